/**
 * The program of an image that a release has to stop: Kiln's agent with a HAProxy that is not what it should be. What is wrong with it is
 * in the image's file `fault`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const faults: Readonly<Record<string, string>> = {
  /** It refuses every configuration. */
  'does-not-start': 'case "$*" in *-f*) echo "cannot allocate memory for its threads"; exit 1;; esac',
  /** It starts, answers, and finds members nowhere. */
  'reaches-no-member':
    'for word; do case "$word" in *.cfg) sed -i -E "s/^( *server .* )127\\.0\\.0\\.1:[0-9]+/\\1127.0.0.1:1/" "$word";; esac; done',
};

const { values } = parseArgs({
  options: { root: { type: 'string', default: '/' }, 'config-file': { type: 'string', default: '' } },
  strict: false,
});
const configurationFile = String(values['config-file']);
const configuration = readFileSync(configurationFile, 'utf8');
const wrapper = join(String(values.root), 'haproxy');
const haproxy = /^haproxy_cmd *= *(\S+)/m.exec(configuration)?.[1] ?? 'haproxy';
if (haproxy !== wrapper) {
  const fault = readFileSync(join(import.meta.dirname, 'fault'), 'utf8').trim();
  writeFileSync(wrapper, `#!/bin/sh\n${faults[fault]}\nexec ${haproxy} "$@"\n`, { mode: 0o755 });
  writeFileSync(configurationFile, configuration.replace(/^haproxy_cmd *=.*$/m, `haproxy_cmd = ${wrapper}`));
}
await import('../../src/dev-agent/main.ts');
