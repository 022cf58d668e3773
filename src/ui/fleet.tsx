import { formatSpan, plural } from './format.ts';
import { Id, Name, Prose, Stale, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { Tags } from './tags.tsx';
import type { Fleet as FleetAnswer, FleetImage } from './wire.ts';

/** Which images the amphorae run, and what a new one would boot. */
export function Fleet() {
  const { data, error, refresh } = usePolled(
    'fleet',
    (get) => get<{ fleet: FleetAnswer }>('v2/kiln/fleet'),
    OVERVIEW_EVERY_MS,
  );
  if (!data) return <Waiting error={error} retry={refresh} />;
  const { at, tags, images, totals } = data.fleet;
  return (
    <>
      <Stale error={error} />
      <p class="quiet">
        Looked at <Time at={at} />
      </p>
      <ul class="numbers">
        <Figure of={totals.load_balancers} what="load balancers" />
        <Figure of={totals.amphorae} what="amphorae" />
        <Figure of={totals.behind} what="amphorae behind" isOdd={totals.behind > 0} />
        <Figure of={totals.silent} what="amphorae silent" isOdd={totals.silent > 0} />
        <Figure of={totals.in_error} what="amphorae in ERROR" isOdd={totals.in_error > 0} />
        <Figure
          of={totals.mixed_pairs}
          what={`of ${plural(totals.pairs, 'pair')} mixed`}
          isOdd={totals.mixed_pairs > 0}
        />
      </ul>

      <h2>What a new amphora boots</h2>
      <Table label="Tags" head={['Tag', 'Image', 'Made', 'Candidates', 'Load balancers']}>
        {tags.map((tag) => (
          <tr key={tag.tag}>
            <td>{tag.tag === null ? 'amp_image_id' : <Name>{tag.tag}</Name>}</td>
            <td>
              {tag.error ? (
                <>
                  <strong class="bad-text">
                    ✖ none: <Prose>{tag.error.message}</Prose>
                  </strong>
                  <br />
                  <small>
                    <Prose>{tag.error.advice}</Prose>
                  </small>
                </>
              ) : (
                <ImageName id={tag.image_id} name={tag.image_name} />
              )}
            </td>
            <td>
              <Time at={tag.image_created_at} />
            </td>
            <td class="number">{tag.candidates}</td>
            <td class="number">{tag.load_balancers}</td>
          </tr>
        ))}
      </Table>

      <h2>What runs</h2>
      {images.length === 0 ? (
        <p class="card">
          There is no amphora yet. Create a load balancer (<code>openstack loadbalancer create</code>), and it stands
          here.
        </p>
      ) : (
        <>
          <Bars images={images} />
          <Table
            label="Images in use"
            head={['Image', 'Made', 'In Glance', 'Amphorae', 'Load balancers', 'Behind', 'Silent', 'In ERROR']}
          >
            {images.map((image) => (
              <tr key={image.image_id}>
                <td>
                  <ImageName id={image.image_id} name={image.name} />
                </td>
                <td>
                  <Time at={image.created_at} />
                </td>
                <td>{image.presence === 'gone' ? <strong class="bad-text">✖ gone</strong> : image.presence}</td>
                <td class="number">{image.amphorae}</td>
                <td class="number">{image.load_balancers}</td>
                <td class="number">
                  {image.behind}
                  {image.behind_seconds !== null && image.behind > 0 && (
                    <small> (by {formatSpan(Math.abs(image.behind_seconds))})</small>
                  )}
                </td>
                <td class="number">{image.silent}</td>
                <td class="number">{image.in_error}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      <Tags tags={tags.flatMap(({ tag }) => (tag === null ? [] : [tag]))} />
    </>
  );
}

function Figure({ of, what, isOdd = false }: { of: number; what: string; isOdd?: boolean }) {
  return (
    <li class={isOdd ? 'odd' : ''}>
      <strong>
        {isOdd && <span aria-hidden="true">▲ </span>}
        {of.toLocaleString()}
      </strong>{' '}
      {what}
    </li>
  );
}

function ImageName({ id, name }: { id: string | null; name: string | null }) {
  if (id === null) return <>none chosen</>;
  return (
    <>
      {name && <Name>{name}</Name>} <Id>{id}</Id>
    </>
  );
}

/** The table below says the same, so that nobody needs to see it. */
function Bars({ images }: { images: FleetImage[] }) {
  const most = Math.max(1, ...images.map(({ amphorae }) => amphorae));
  return (
    <div class="bars" aria-hidden="true">
      {images.map((image) => {
        const kind = image.presence === 'gone' ? 'gone' : image.current_for_tags.length > 0 ? 'current' : 'behind';
        return (
          <div key={image.image_id} class="bar">
            <span class="bar-name">
              <bdi>{image.name ?? image.image_id ?? 'none chosen'}</bdi>
            </span>
            <span class="bar-track">
              <span class={`bar-fill ${kind}`} style={{ width: `${(image.amphorae / most) * 100}%` }} />
            </span>
            <span class="bar-count">
              {image.amphorae} <small>{{ gone: '✖ gone', current: '● current', behind: '▲ behind' }[kind]}</small>
            </span>
          </div>
        );
      })}
    </div>
  );
}
