import { Gauge, type Registry } from 'prom-client';
import { type Fleet, type FleetTag, fleetWarningCodes } from '../../model/fleet.ts';

/** Figures are at most so old when they are asked for, and one interval of asking. */
const LARGEST_AGE_MS = 60_000;

/**
 * Figures of the fleet. Glance is asked for them, so an answer never waits: it has what the last look found, and begins the next
 * look when that is a minute old. They are absent until the first look has ended, and after one that failed.
 */
export function fleetMetrics(
  registry: Registry,
  look: () => Promise<Fleet>,
  { monotonicMs }: { monotonicMs(): number },
): void {
  let last: Fleet | null = null;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  const recent = (): Fleet | null => {
    if (!looking && monotonicMs() - lookedAtMs >= LARGEST_AGE_MS) {
      lookedAtMs = monotonicMs();
      looking = look()
        .catch(() => null)
        .then((found) => {
          last = found;
          looking = null;
        });
    }
    return last;
  };

  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    values: (fleet: Fleet) => readonly (readonly [labels: Record<string, string>, value: number])[],
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        const fleet = recent();
        if (fleet) for (const [labels, value] of values(fleet)) this.set(labels, value);
        else if (labelNames.length === 0) this.remove();
      },
    });
  const total = (name: string, help: string, of: (fleet: Fleet) => number) =>
    gauge(name, help, [], (fleet) => [[{}, of(fleet)]]);
  const ofTags = (name: string, help: string, of: (tag: FleetTag, fleet: Fleet) => number | null) =>
    gauge(name, help, ['tag'], (fleet) =>
      fleet.tags.flatMap((tag) => {
        const value = of(tag, fleet);
        return value === null ? [] : [[{ tag: tag.tag ?? '' }, value] as const];
      }),
    );

  gauge(
    'kiln_fleet_amphorae',
    'Amphorae by the image they run; tagged: whether a tag gives that image to new amphorae.',
    ['image', 'tagged'],
    ({ images }) =>
      images.map(({ imageId, currentForTags, amphorae }) => [
        { image: imageId ?? '', tagged: String(currentForTags.length > 0) },
        amphorae,
      ]),
  );
  total(
    'kiln_fleet_amphorae_behind',
    'Amphorae for which a failover would boot another image than the one they run.',
    ({ totals }) => totals.behind,
  );
  total(
    'kiln_fleet_amphorae_image_gone',
    'Amphorae whose image is gone from Glance.',
    ({ totals }) => totals.imageGone,
  );
  total('kiln_fleet_mixed_pairs', 'Pairs whose two amphorae run different images.', ({ totals }) => totals.mixedPairs);
  total('kiln_fleet_amphorae_error', 'Amphorae in ERROR.', ({ totals }) => totals.inError);
  ofTags('kiln_image_candidates', 'Images that could be booted for a tag; the newest one is.', (tag) => tag.candidates);
  ofTags(
    'kiln_tagged_image_age_seconds',
    'Age of the image that a tag gives to new amphorae.',
    ({ imageCreatedAt }, { at }) =>
      imageCreatedAt === null ? null : (Date.parse(at) - Date.parse(imageCreatedAt)) / 1000,
  );
  gauge(
    'kiln_fleet_warnings',
    'Warnings of `kiln fleet` by their code: IMAGE_NONE, IMAGE_CANDIDATES, IMAGE_OLD (image_max_age_days), IMAGE_GONE.',
    ['code'],
    ({ warnings }) =>
      fleetWarningCodes.map((code) => [{ code }, warnings.filter((warning) => warning.code === code).length]),
  );
}
