import { exitCodes } from '../../model/errors.ts';
import { formatAge } from '../format/duration.ts';
import { type CheckGroup, fail, ok } from './check.ts';

export const credentialsChecks: CheckGroup = {
  title: 'Credentials',
  exitCode: exitCodes.cloudUnreachable,
  checks: [
    {
      id: 'credentials.token',
      title: 'Keystone gives a token',
      needs: ['configuration.valid'],
      async run({ context, now }) {
        const who = await (await context.identity()).authenticatedAs();
        if (!who.projectId) {
          return fail(
            `the token of user ${who.userName} is for no project`,
            'Name the project of the service user: [service_auth] project_name, or OS_PROJECT_NAME.',
          );
        }
        const roles = who.roles.length > 0 ? `roles ${[...who.roles].sort().join(', ')}` : 'no roles';
        return ok(
          `user ${who.userName} in project ${who.projectName} (${who.projectId}), ${roles}; ` +
            `the token ends ${formatAge(who.expiresAt, now)}`,
        );
      },
    },
  ],
};
