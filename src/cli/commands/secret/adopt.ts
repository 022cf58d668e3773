import { KilnError } from '../../../model/errors.ts';
import type { SecretUser } from '../../../ports/secret-users.ts';
import { defineCommand } from '../../command.ts';
import { parseProject, remarkName } from './owner.ts';
import { renderSecret } from './render.ts';

export const secretAdopt = defineCommand<{ project?: string }>({
  noun: 'secret',
  verb: 'adopt',
  summary: 'Give an owner to a secret that has none',
  description:
    'A secret of an older Kiln, or of Octavia’s own local_cert_manager, may have no owner: then no load balancer can use it. ' +
    'Without --project the owner is the project whose listeners and pools refer to it, where that is one.',
  arguments: [{ name: 'REFERENCE', help: 'a UUID, or a URL that ends in it' }],
  options: [{ flags: '--project <id>', help: 'the ID of the project that shall own it', parse: parseProject }],
  examples: [
    'kiln secret adopt 6f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e --project 2a8d1a5c6f664f0f8a3b1b9a2a7c4d10',
    'kiln secret adopt 6f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e',
  ],
  exits: [],
  async run({ arguments: [reference = ''], options, context, remark }) {
    const folder = await context.secrets();
    const { reference: id } = await folder.get(reference);
    const projectId = options.project ?? onlyOwner(id, await (await context.secretUsers()).usersOf(id));
    const secret = await folder.adopt(id, projectId);
    remarkName(projectId, remark);
    return { document: secret, ids: [secret.reference], render: (view) => renderSecret(secret, view) };
  },
});

/** USAGE unless the load balancers of one project use it. */
function onlyOwner(id: string, users: readonly SecretUser[]): string {
  const [owner, ...others] = new Set(users.map(({ projectId }) => projectId));
  if (owner !== undefined && others.length === 0) return owner;
  const used = owner === undefined ? 'nothing refers to it' : `projects ${[owner, ...others].join(', ')} refer to it`;
  throw new KilnError('USAGE', `secret ${id} can't be given an owner: ${used}`, {
    advice:
      owner === undefined
        ? 'Name the owner with --project ID, or delete it.'
        : 'Name one with --project ID, and store the secret once more for each of the others, which then refer to the copy.',
  });
}
