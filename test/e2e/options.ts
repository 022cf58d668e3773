import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { cloudsYamlPaths } from '../../src/adapters/openstack/clouds-yaml.ts';

export const usage = `npm run e2e -- --cloud NAME [OPTIONS]

Shows, against a cloud, that amphorae boot from the image that carries a tag. Starts Kiln's processes on this machine, makes
images, load balancers and, where there is none for VIPs, a network; removes them again, whether it passes, fails or is
interrupted. See docs/e2e.md.

  --cloud NAME          cloud of clouds.yaml whose user is Kiln's service user; "embedded", where clouds.yaml has no such
                        cloud: the embedded cloud, for this run alone
  --admin-cloud NAME    an administrator (default: NAME-admin, if there is one; the service user often is one itself)
  --tenant-cloud NAME   a user of another project (default: NAME-demo, if there is one)
  --config-file FILE    octavia.conf of that cloud (default: the one beside clouds.yaml, else /etc/octavia/octavia.conf);
                        its database and its broker are not used
  --image FILE          image that boots an amphora in that cloud; twice: the old one and the new one
                        (default: built here, for clouds whose servers are processes on this machine)
  --vip-subnet NAME     subnet for VIPs, by name or ID (default: lb-vip-subnet, else a network is made)
  --database-url URL    MySQL or MariaDB, as in [database] connection; a database is made in it
  --transport-url URL   RabbitMQ, as in [DEFAULT] transport_url; a virtual host that no Kiln uses.
                        With both, two API and two worker processes run, else one process that does everything
  --guests              play the servers here (default: where Nova says that its hypervisor is "fake", as in the test bed)
  --only REGEX          the cases whose name matches
  --list                print the names of the cases, and what each needs
  --keep                remove nothing
  --json                the results as JSON on stdout; all else goes to stderr
  --help

clouds.yaml is found as openstacksdk finds it: OS_CLIENT_CONFIG_FILE, this folder, ~/.config/openstack, /etc/openstack.

Examples:
  npm run e2e -- --cloud embedded
  npm run e2e -- --cloud embedded --only 'tenant|owner'
  OS_CLIENT_CONFIG_FILE=BED/clouds.yaml npm run e2e -- --cloud testbed
  npm run e2e -- --cloud octavia --admin-cloud admin --tenant-cloud demo --config-file /etc/octavia/octavia.conf \\
    --image amphora-1.qcow2 --image amphora-2.qcow2

Exit status: 0 all passed and at least one ran, nothing is left; 1 not so; 2 usage, configuration, or no such cloud.
`;

export interface Options {
  cloud: string;
  adminCloud: string | null;
  tenantCloud: string | null;
  configFile: string | null;
  images: readonly string[];
  vipSubnet: string | null;
  shared: { databaseUrl: string; transportUrl: string } | null;
  guests: boolean | null;
  only: RegExp;
  list: boolean;
  keep: boolean;
  json: boolean;
}

/** Wrong usage; the message can follow "error:". */
export class UsageError extends Error {}

/** Null: help is asked for. @throws UsageError */
export function readOptions(words: readonly string[]): Options | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  let values: ReturnType<typeof read>['values'];
  const read = () =>
    parseArgs({
      args: [...words],
      options: {
        ...{ cloud: text, 'admin-cloud': text, 'tenant-cloud': text, 'config-file': text, 'vip-subnet': text },
        image: { ...text, multiple: true },
        ...{ 'database-url': text, 'transport-url': text, only: text },
        ...{ guests: flag, list: flag, keep: flag, json: flag, help: { ...flag, short: 'h' } },
      },
    });
  try {
    values = read().values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help) return null;
  const { cloud, image: images = [], 'database-url': databaseUrl, 'transport-url': transportUrl } = values;
  if (!cloud && !values.list) throw new UsageError('--cloud is missing');
  if (images.length > 2) throw new UsageError(`--image: given ${images.length} times; once or twice is allowed`);
  const absent = images.find((file) => !existsSync(file));
  if (absent) throw new UsageError(`--image: there is no file ${absent}`);
  if (!databaseUrl !== !transportUrl) throw new UsageError('--database-url and --transport-url: give both, or neither');
  return {
    cloud: cloud ?? '',
    adminCloud: values['admin-cloud'] ?? null,
    tenantCloud: values['tenant-cloud'] ?? null,
    configFile: values['config-file'] ?? null,
    images,
    vipSubnet: values['vip-subnet'] ?? null,
    shared: databaseUrl && transportUrl ? { databaseUrl, transportUrl } : null,
    guests: values.guests ? true : null,
    only: readPattern(values.only ?? ''),
    list: values.list,
    keep: values.keep,
    json: values.json,
  };
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--only: ${(error as Error).message}`);
  }
}

/** The clouds.yaml that counts, and the names in it; null when there is none. */
export function findCloudsFile(): { file: string; names: string[] } | null {
  const file = cloudsYamlPaths(process.env, process.env.HOME ?? homedir()).find((path) => existsSync(path));
  if (!file) return null;
  return { file, names: Object.keys(parse(readFileSync(file, 'utf8'))?.clouds ?? {}) };
}

/** @throws UsageError when there is none. */
export function findConfigurationFile(given: string | null, cloudsFile: string): string {
  const places = given ? [given] : [join(dirname(cloudsFile), 'octavia.conf'), '/etc/octavia/octavia.conf'];
  const found = places.find((path) => existsSync(path));
  if (!found)
    throw new UsageError(`there is no octavia.conf: looked for ${places.join(', ')}; name it by --config-file`);
  return found;
}
