import { KilnError } from '../../../model/errors.ts';
import type { SecretUser } from '../../../ports/secret-users.ts';
import { defineCommand } from '../../command.ts';
import { plural } from '../../format/duration.ts';

/** A refusal that names all of hundreds would hide what it says. */
const NAMED_AT_MOST = 5;

export const secretDelete = defineCommand<{ force?: boolean }>({
  noun: 'secret',
  verb: 'delete',
  summary: 'Delete what is kept under a reference',
  description:
    'One that a listener or a pool refers to is kept, unless --force is given: amphorae that have it go on showing it, but what ' +
    'refers to it can not be changed any more, and no new amphora can be built for its load balancer.',
  arguments: [{ name: 'REFERENCE', help: 'a UUID, or a URL that ends in it' }],
  options: [{ flags: '--force', help: 'even if a listener or a pool refers to it' }],
  examples: ['kiln secret delete 6f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e'],
  exits: [],
  async run({ arguments: [reference = ''], options, context }) {
    const folder = await context.secrets();
    if (!options.force) {
      const { reference: id } = await folder.get(reference);
      const users = await (await context.secretUsers()).usersOf(id);
      if (users.length > 0) throw inUse(id, users);
    }
    const secret = await folder.delete(reference);
    return { document: secret, ids: [secret.reference], render: () => `Secret ${secret.reference} is deleted.` };
  },
});

function inUse(id: string, users: readonly SecretUser[]): KilnError {
  const named = users
    .slice(0, NAMED_AT_MOST)
    .map(
      (user) => `${user.kind} ${user.id}${user.name ? ` (${user.name})` : ''} of load balancer ${user.loadBalancerId}`,
    );
  const others = users.length - named.length;
  const more = others > 0 ? `, and ${plural(others, 'other')}` : '';
  return new KilnError('RESOURCE_CONFLICT', `secret ${id} is in use by ${named.join(', ')}${more}`, {
    advice: 'Give them another secret first, or delete it all the same with --force.',
    details: { users: users.map(({ kind, id: userId }) => ({ kind, id: userId })) },
  });
}
