import type { Get } from './api.ts';
import { Id, Name, Stale, Table, Time, Waiting } from './parts.tsx';
import { LIST_EVERY_MS, usePolled } from './polled.ts';
import { may } from './state.ts';
import type { GlanceImage, TaggedImage } from './wire.ts';

interface Everything {
  images: GlanceImage[];
  history: TaggedImage[];
}

async function load(get: Get): Promise<Everything> {
  const [listed, { tag_history: history }] = await Promise.all([
    may('release:post_plan') ? get<{ images: GlanceImage[] }>('v2/kiln/images') : { images: [] },
    get<{ tag_history: TaggedImage[] }>('v2/kiln/images/tag-history'),
  ]);
  return { images: listed.images, history };
}

/** Which images carry the tags, of which the newest is booted, and which have carried them. */
export function Tags({ tags }: { tags: string[] }) {
  const { data, error, refresh } = usePolled('tags', load, LIST_EVERY_MS);
  if (!data) return <Waiting error={error} retry={refresh} />;
  const candidates = tags.flatMap((tag) =>
    data.images
      .filter((image) => image.tags.includes(tag))
      .map((image, index) => ({ tag, image, isFirst: index === 0 })),
  );
  return (
    <>
      <Stale error={error} />
      {candidates.length > 0 && (
        <>
          <h2>Candidates of the tags</h2>
          <Table label="Candidates" head={['Tag', 'Image', 'Made', 'Booted next']}>
            {candidates.map(({ tag, image, isFirst }) => (
              <tr key={`${image.id} ${tag}`}>
                <td>
                  <Name>{tag}</Name>
                </td>
                <td>
                  {image.name && <Name>{image.name}</Name>} <Id>{image.id}</Id>
                </td>
                <td>
                  <Time at={image.created_at} />
                </td>
                <td>{isFirst ? '● the newest' : 'no'}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
      <h2>History of the tags</h2>
      {data.history.length === 0 ? (
        <p class="card">
          No look at Glance is recorded yet: <code>kiln serve</code> (role housekeeping) looks every 30 seconds.
        </p>
      ) : (
        <Table label="History of the tags" head={['Tag', 'Image', 'Carried it from', 'Until']}>
          {data.history.map((one) => (
            <tr key={`${one.image_id} ${one.seen_at} ${one.tag}`}>
              <td>
                <Name>{one.tag}</Name>
              </td>
              <td>
                {one.image_name && <Name>{one.image_name}</Name>} <Id>{one.image_id}</Id>
              </td>
              <td>
                {one.was_there && 'before '}
                <Time at={one.seen_at} />
              </td>
              <td>
                <Time at={one.gone_at} none="● carries it" />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
