import { ask } from './api.ts';
import { plural } from './format.ts';
import { Id, Prose, Reasoned, Waiting } from './parts.tsx';
import { LIST_EVERY_MS, usePolled } from './polled.ts';
import type { Release, Want, WayBack } from './wire.ts';

/** Something that an operator can tell a release. */
export interface Instruction {
  want: Want;
  title: string;
  text: string;
  /** What is said when it was sent. */
  done: string;
  isDangerous: boolean;
}

const pause: Instruction = {
  want: 'pause',
  title: 'Pause',
  text: 'No further load balancer is begun; what is being moved comes to its end.',
  done: 'The release is asked to pause.',
  isDangerous: false,
};
const resume: Instruction = {
  want: 'run',
  title: 'Resume',
  text: 'It goes on from where it is.',
  done: 'The release goes on.',
  isDangerous: false,
};
/** Of what an operator has to clear. */
const approve: Instruction = {
  want: 'run',
  title: 'Approve',
  text: 'It goes on, and is not held for this again.',
  done: 'It is approved: the release goes on.',
  isDangerous: false,
};
const rollback: Instruction = {
  want: 'rollback',
  title: 'Roll back',
  text: 'Each load balancer that was moved is taken back to the image that it had, and the tag with it. This image counts as rejected.',
  done: 'The release is asked to roll back.',
  isDangerous: true,
};
const abort: Instruction = {
  want: 'abort',
  title: 'Abort',
  text: 'It ends here. What was moved stays on the new image, the rest on the one that it has.',
  done: 'The release is asked to end.',
  isDangerous: true,
};

/** What would change something: what it was not asked already, and to go on where something holds it that only an operator ends. */
export function instructionsFor(release: Release): Instruction[] {
  const { want } = release.intent;
  const isGoingBack = release.phase === 'rolling-back' || want === 'rollback';
  const goOn = waitsFor(release).length > 0 ? [approve] : want === 'pause' || want === 'abort' ? [resume] : [];
  return [
    ...(want === 'pause' ? [] : [pause]),
    ...goOn,
    ...(isGoingBack ? [] : [rollback]),
    ...(want === 'abort' ? [] : [abort]),
  ];
}

/** Whether an operator has to decide; that one has paused it is no such thing. */
export const needsDecision = ({ clears, code }: Release['holds'][number]) =>
  clears === 'operator' && code !== 'OPERATOR';

const waitsFor = ({ holds }: Release) => holds.filter(needsDecision);

/**
 * Asks why, and sends it to the release, unless somebody else has asked it for something since.
 * @param props.release as it was when the instruction was chosen: what comes meanwhile is not approved unseen.
 */
export function InstructionQuestion(props: { of: Instruction; release: Release; onClose(isDone: boolean): void }) {
  const { of: instruction, release, onClose } = props;
  const path = `v2/kiln/releases/${encodeURIComponent(release.id)}`;
  const { revision } = release.intent;
  return (
    <Reasoned
      title={`${instruction.title}?`}
      button={`${instruction.title} it`}
      isDangerous={instruction.isDangerous}
      onClose={onClose}
      act={(reason) => ask('PUT', `${path}/intent`, { want: instruction.want, reason, revision })}
    >
      <p>{instruction.text}</p>
      {instruction.want === 'run' &&
        waitsFor(release).map((hold) => (
          <p key={hold.code}>
            <strong>
              ▲ <Prose>{hold.message}</Prose>
            </strong>
          </p>
        ))}
      {instruction.want === 'rollback' && <Back path={path} />}
    </Reasoned>
  );
}

/** Where a rollback leads, and what can't go back. */
function Back({ path }: { path: string }) {
  const { data, error, refresh } = usePolled(
    `${path} back`,
    (get) => get<{ way_back: WayBack }>(`${path}/way-back`),
    LIST_EVERY_MS,
  );
  if (!data) return <Waiting error={error} retry={refresh} />;
  const { images } = data.way_back;
  if (images.length === 0) return <p>No load balancer has moved yet.</p>;
  return images.map((image) => (
    <p key={image.image_id} class={image.problem === null ? '' : 'bad-text'}>
      {image.problem !== null && '✖ '}
      {plural(image.load_balancers, 'load balancer')} to <Id>{image.image_id}</Id>
      {image.problem !== null && ` can’t go back: the image ${image.problem}`}
    </p>
  ));
}
