import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DevCloud, startDevCloud } from './dev-cloud.ts';
import type { KilnProcess } from './kiln-process.ts';
import { type LoadBalancerHarness, openLoadBalancerHarness } from './load-balancers.ts';

/** An embedded cloud whose `kiln serve` is a process of its own, and a member that answers `member`. */
export interface ServingCloud {
  dev: DevCloud;
  harness: LoadBalancerHarness;
  serve: KilnProcess;
  /** On 127.0.0.1. */
  memberPort: number;
  close(): Promise<void>;
}

/** @param settings environment of `kiln serve`, beside the cloud's. */
export async function openServingCloud(settings: Record<string, string> = {}): Promise<ServingCloud> {
  const dev = await startDevCloud();
  const harness = await openLoadBalancerHarness(dev);
  const member = createServer((_request, response) => void response.end('member'));
  await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
  const serve = await harness.serve(settings);
  return {
    dev,
    harness,
    serve,
    memberPort: (member.address() as AddressInfo).port,
    async close() {
      await serve.stop();
      member.close();
      await harness.close();
      await dev.close();
    },
  };
}
