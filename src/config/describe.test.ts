import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeConfiguration, eachOption } from './describe.ts';
import { loadConfiguration } from './load.ts';
import { maskUrlPasswords } from './mask.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-config-'));
  file = join(folder, 'octavia.conf');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(text: string, environment: Record<string, string> = {}) {
  writeFileSync(file, text);
  return loadConfiguration({ configFiles: [file], configDirs: [], environment });
}

it('shows what is set, as octavia.conf has it, and where', () => {
  const text = '[controller_worker]\namp_image_id = 1234\namp_boot_network_list = a, b\n[DEFAULT]\ndebug = yes\n';
  expect(describeConfiguration(load(text, { OS_KILN__IMAGE_MAX_AGE_DAYS: '30' }), { all: false })).toEqual([
    { section: 'DEFAULT', option: 'debug', value: 'True', source: `${file}:5`, isDefault: false },
    {
      section: 'controller_worker',
      option: 'amp_image_id',
      value: '1234',
      source: `${file}:2`,
      isDefault: false,
      note: 'deprecated: set amp_image_tag, and move the tag from image to image',
    },
    {
      section: 'controller_worker',
      option: 'amp_boot_network_list',
      value: 'a,b',
      source: `${file}:3`,
      isDefault: false,
    },
    {
      section: 'kiln',
      option: 'image_max_age_days',
      value: '30',
      source: 'OS_KILN__IMAGE_MAX_AGE_DAYS',
      isDefault: false,
    },
  ]);
});

it('shows everything on demand', () => {
  const rows = describeConfiguration(load(''), { all: true });
  expect(rows).toHaveLength([...eachOption()].length);
  expect(rows.every(({ source, isDefault }) => isDefault && source === 'default')).toBe(true);
  expect(rows.find(({ option }) => option === 'amp_active_retries')?.value).toBe('30');
});

it('shows no secret: not itself, not by reference, not in a URL', () => {
  const text = [
    '[service_auth]',
    'password = hunter2',
    'username = $password',
    '[health_manager]',
    'heartbeat_key = hunter2',
    '[kiln]',
    'state_path = /x/$service_auth.username',
    '[database]',
    'connection = mysql+pymysql://u:hunter2@db:3306/kiln',
  ].join('\n');
  const rows = describeConfiguration(load(text, { OS_OCTAVIA_CA_KEY_PASS: 'hunter2' }), { all: true });
  expect(JSON.stringify(rows)).not.toContain('hunter2');
  const shown = Object.fromEntries(rows.map(({ option, value }) => [option, value]));
  expect(shown).toMatchObject({
    username: '',
    heartbeat_key: '***',
    ca_private_key_passphrase: '***',
    state_path: '***',
    connection: 'mysql+pymysql://u:***@db:3306/kiln',
  });
  expect(rows.find(({ section, option }) => section === 'service_auth' && option === 'username')?.value).toBe('***');
});

it.each([
  ['rabbit://a:b@h1:5672,c:d@h2:5672/v', 'rabbit://a:***@h2:5672/v'],
  ['http://h:5000/v3', 'http://h:5000/v3'],
  ['mysql://u:p@ss@h/db', 'mysql://u:***@h/db'],
  ['mysql://u:p/w@h/db', 'mysql://u:***@h/db'],
  ['sqlite:////a:b/c', 'sqlite:////a:b/c'],
  ['redis://:p@h', 'redis://:***@h'],
  ['mysql://h/db?user=u&password=p&charset=utf8', 'mysql://h/db?user=u&password=***&charset=utf8'],
])('masks %s as %s', (url, shown) => {
  expect(maskUrlPasswords(url)).toBe(shown);
});
