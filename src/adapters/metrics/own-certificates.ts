import { Gauge, type Registry } from 'prom-client';
import type { OwnCertificate } from '../../model/certificate.ts';

/** Seconds that the controller's own certificates have left, read from their files when metrics are asked for. */
export function ownCertificateMetrics(
  registry: Registry,
  read: () => Promise<readonly OwnCertificate[]>,
  now: () => Date,
): void {
  new Gauge({
    name: 'kiln_own_certificate_seconds_left',
    help: "Seconds until the first certificate ends in a file of the controller's own, by the option that names it; negative: it has ended. Absent: the file can't be read.",
    labelNames: ['option'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const { option, notAfter } of await read().catch(() => []))
        if (notAfter !== null) this.set({ option }, (Date.parse(notAfter) - now().getTime()) / 1000);
    },
  });
}
