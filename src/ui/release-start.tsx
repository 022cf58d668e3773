import { useSignal } from '@preact/signals';
import type { SubmitEventHandler } from 'preact';
import { useId } from 'preact/hooks';
import { ApiError, ask, type Get } from './api.ts';
import { formatAge, parseTime, plural, visible } from './format.ts';
import { Dialog, Name, Reasoned, Refusal, Stale, Waiting } from './parts.tsx';
import { PlanShown } from './plan.tsx';
import { PolicyFields, policyOf } from './policy-fields.tsx';
import { LIST_EVERY_MS, usePolled } from './polled.ts';
import { goTo, linkTo, may, notice, now } from './state.ts';
import type { Fleet, GlanceImage, Plan, Release } from './wire.ts';

interface Choices {
  images: GlanceImage[];
  /** The configuration's first. */
  tags: string[];
}

/** What the plan that is shown was asked for; starting asks for the same. */
interface Planned {
  request: object;
  plan: Plan;
}

async function loadChoices(get: Get): Promise<Choices> {
  const [{ images }, { fleet }] = await Promise.all([
    get<{ images: GlanceImage[] }>('v2/kiln/images'),
    get<{ fleet: Fleet }>('v2/kiln/fleet'),
  ]);
  const isById = fleet.tags.length === 1 && fleet.tags[0]?.tag === null;
  return { images, tags: isById ? [] : fleet.tags.flatMap(({ tag }) => (tag === null ? [] : [tag])) };
}

/** A new release: an image and how it goes are chosen, the plan is looked at, and the same plan is started. */
export function ReleaseStart({ onClose }: { onClose(): void }) {
  const { data, error, refresh } = usePolled('release choices', loadChoices, LIST_EVERY_MS);
  return (
    <Dialog isDrawer title="New release" onClose={onClose}>
      {!data ? (
        <Waiting error={error} retry={refresh} />
      ) : data.tags.length === 0 ? (
        <p class="card">
          Images are released by tag, and no tag decides here which image is booted. Set{' '}
          <code>[controller_worker] amp_image_tag</code>, and take out <code>amp_image_id</code>.
        </p>
      ) : data.images.length === 0 ? (
        <p class="card">
          Glance has no image that may be booted here. <code>kiln image push FILE --no-tag</code> uploads one.
        </p>
      ) : (
        <>
          <Stale error={error} />
          <Planning choices={data} />
        </>
      )}
    </Dialog>
  );
}

function Planning({ choices: { images, tags } }: { choices: Choices }) {
  const planned = useSignal<Planned | null>(null);
  const refusal = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  const asksStart = useSignal(false);

  async function plan(request: object): Promise<void> {
    isBusy.value = true;
    refusal.value = null;
    try {
      planned.value = { request, ...(await ask<{ plan: Plan }>('POST', 'v2/kiln/releases/plan', request)) };
    } catch (thrown) {
      planned.value = null;
      refusal.value = thrown instanceof ApiError ? thrown.message : String(thrown);
    } finally {
      isBusy.value = false;
    }
  }

  const onSubmit: SubmitEventHandler<HTMLFormElement> = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const again = fields.get('again') !== null;
    void plan({
      image_id: fields.get('image'),
      tag: fields.get('tag'),
      ...(again && { again }),
      policy: policyOf(fields),
    });
  };
  const shown = planned.value;

  return (
    <>
      {/* What was planned is of other choices once one of them is another. */}
      <form
        onSubmit={onSubmit}
        onInput={() => {
          planned.value = null;
        }}
      >
        <Images of={images} tags={tags} />
        <PolicyFields />
        <p class="actions">
          <button type="submit" class={shown ? 'plain' : ''} disabled={isBusy.value}>
            {isBusy.value ? 'Planning…' : shown ? 'Plan again' : 'Show the plan'}
          </button>
        </p>
      </form>
      <Refusal text={refusal.value} />
      {shown && (
        <>
          <PlanShown of={shown.plan} />
          {shown.plan.load_balancers > 0 && may('release:post') && (
            <p class="actions">
              <button
                type="button"
                onClick={() => {
                  asksStart.value = true;
                }}
              >
                Start this release…
              </button>
            </p>
          )}
        </>
      )}
      {asksStart.value && shown && (
        <Reasoned
          title="Start the release?"
          button="Start it"
          isDangerous={false}
          onClose={() => {
            asksStart.value = false;
          }}
          act={async (reason) => {
            const { digest } = shown.plan;
            const body = { ...shown.request, plan_digest: digest, reason };
            const { release } = await ask<{ release: Release }>('POST', 'v2/kiln/releases', body);
            notice.value = 'The release is started. Its image is probed before any load balancer moves.';
            goTo(linkTo('releases', release.id));
          }}
        >
          <p>
            <Name>{shown.plan.image.name}</Name> is brought to {plural(shown.plan.load_balancers, 'load balancer')}, as
            the plan says. It can be paused and taken back at any time. Where the world is no longer as it was planned,
            nothing is started.
          </p>
        </Reasoned>
      )}
    </>
  );
}

function Images({ of: images, tags }: { of: GlanceImage[]; tags: string[] }) {
  const id = useId();
  const tag = useSignal(tags[0] ?? '');
  const label = ({ id: imageId, name, tags: carried, created_at: createdAt }: GlanceImage) =>
    [
      visible(name ?? '(no name)'),
      `made ${formatAge(parseTime(createdAt), now.value)}`,
      ...(carried.includes(tag.value) ? ['carries the tag now'] : []),
      imageId,
    ].join(' · ');
  return (
    <>
      <p class="field">
        <label htmlFor={`${id}-tag`}>Tag: whose load balancers</label>
        <select
          id={`${id}-tag`}
          name="tag"
          onChange={(event) => {
            tag.value = event.currentTarget.value;
          }}
        >
          {tags.map((one) => (
            <option key={one} value={one}>
              {visible(one)}
            </option>
          ))}
        </select>
      </p>
      <p class="field">
        <label htmlFor={`${id}-image`}>Image</label>
        <select id={`${id}-image`} name="image" required>
          <option value="">Choose one…</option>
          {images.map((one) => (
            <option key={one.id} value={one.id}>
              {label(one)}
            </option>
          ))}
        </select>
      </p>
      <p>
        <label>
          <input type="checkbox" name="again" /> Also if a release has rejected its content before
        </label>
      </p>
    </>
  );
}
