/** Whose a secret is, as it is typed. */
import { KilnError } from '../../../model/errors.ts';

const advice =
  'Name the project by its ID, such as --project "$(openstack token issue -f value -c project_id)": only its load balancers may use the secret.';

/** A project's ID. USAGE for what can be none. */
export function parseProject(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new KilnError('USAGE', `--project is ${JSON.stringify(text)}, which is no ID of a project`, { advice });
}

/** USAGE where no project was named. */
export function ownerOf(project: string | undefined): string {
  if (project !== undefined) return project;
  throw new KilnError('USAGE', '--project is missing: a secret belongs to one project', { advice });
}

/** Keystone's IDs are 32 hexadecimal digits; what looks otherwise is taken, and is mostly a slip. */
export function remarkName(projectId: string, remark: (text: string) => void): void {
  if (!/^[0-9a-f]{32}$/.test(projectId)) {
    remark(`"${projectId}" looks like no ID of Keystone's: owners are compared by ID, not by name.`);
  }
}
