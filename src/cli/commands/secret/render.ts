import type { StoredSecret } from '../../../ports/secret-folder.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

const kinds: Record<StoredSecret['kind'], string> = {
  certificate: 'certificate with key',
  'ca-certificates': 'certificates of authorities',
  'revocation-list': 'revocation list',
  unusable: 'of no use',
};

/** In the place of a project. */
const noOwner = 'none';

export function renderSecrets(secrets: readonly StoredSecret[], view: View): string {
  const columns: Column<StoredSecret>[] = [
    { title: 'REFERENCE', value: ({ reference }) => reference },
    { title: 'NAME', value: ({ name }) => name ?? '-', minimum: 8, cut: 'middle' },
    {
      title: 'PROJECT',
      value: ({ projectId }) => projectId ?? noOwner,
      minimum: 6,
      cut: 'middle',
      paint: (text, { projectId }, { paint }) => (projectId === null ? paint('red', text) : text),
    },
    {
      title: 'KIND',
      value: ({ kind }) => kinds[kind],
      drop: 2,
      paint: (text, { kind }, { paint }) => (kind === 'unusable' ? paint('red', text) : text),
    },
    { title: 'SUBJECT', value: ({ subject }) => subject ?? '-', minimum: 8, cut: 'middle' },
    {
      title: 'ENDS',
      value: ({ notAfter }) => notAfter?.slice(0, 10) ?? '-',
      drop: 1,
      paint: (text, secret, { paint }) => (hasEnded(secret, view.now) ? paint('red', text) : text),
    },
  ];
  return renderTable(columns, secrets, view);
}

export function renderSecret(secret: StoredSecret, view: View): string {
  return renderFields(
    [
      ['Reference', secret.reference],
      ['Name', secret.name ?? '-'],
      ['Project', secret.projectId ?? noOwner],
      ['Kind', kinds[secret.kind]],
      ...(secret.kind === 'certificate'
        ? ([
            ['Subject', secret.subject ?? 'none'],
            ['Ends', secret.notAfter ?? '-'],
          ] as const)
        : []),
      ...(secret.problem === null ? [] : ([['Problem', secret.problem]] as const)),
    ],
    view,
  );
}

export function hasEnded({ notAfter }: StoredSecret, now: Date): boolean {
  return notAfter !== null && new Date(notAfter) <= now;
}
