import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from './load.ts';
import { createReloadableConfiguration } from './reload.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-config-'));
  file = join(folder, 'octavia.conf');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(text: string) {
  writeFileSync(file, text);
  return createReloadableConfiguration(() =>
    loadConfiguration({ configFiles: [file], configDirs: [], environment: {} }),
  );
}

describe('reload', () => {
  it('brings in what may change, with no restart', () => {
    const reloadable = start('[controller_worker]\namp_image_tag = old\namp_image_owner_id = p1\n');
    const before = reloadable.current();
    writeFileSync(file, '[controller_worker]\namp_image_tag = new\namp_boot_network_list = n1, n2\n');
    expect(reloadable.reload()).toEqual({
      changed: [
        { section: 'controller_worker', option: 'amp_image_tag', from: 'old', to: 'new' },
        { section: 'controller_worker', option: 'amp_image_owner_id', from: 'p1', to: '' },
        { section: 'controller_worker', option: 'amp_boot_network_list', from: '', to: 'n1,n2' },
      ],
      needRestart: [],
    });
    const { config, origins } = reloadable.current();
    expect(config.controller_worker).toMatchObject({ amp_image_tag: 'new', amp_image_owner_id: null });
    expect(origins.get('controller_worker.amp_image_tag')?.source).toEqual({ kind: 'file', file, line: 2 });
    expect(before.config.controller_worker.amp_image_tag).toBe('old');
    expect(reloadable.reload()).toEqual({ changed: [], needRestart: [] });
  });

  it('keeps what needs a restart, and says so each time', () => {
    const reloadable = start('[service_auth]\nauth_url = http://a\npassword = hunter1\n');
    writeFileSync(file, '[DEFAULT]\ndebug = on\n[service_auth]\nauth_url = http://b\npassword = hunter2\n');
    const needRestart = [
      { section: 'service_auth', option: 'auth_url', from: 'http://a', to: 'http://b' },
      { section: 'service_auth', option: 'password', from: '***', to: '***' },
    ];
    const changed = [{ section: 'DEFAULT', option: 'debug', from: 'False', to: 'True' }];
    expect(reloadable.reload()).toEqual({ changed, needRestart });
    expect(reloadable.reload()).toEqual({ changed: [], needRestart });
    const { config, origins } = reloadable.current();
    expect(config.service_auth).toMatchObject({ auth_url: 'http://a', password: 'hunter1' });
    expect(origins.get('service_auth.auth_url')?.source).toEqual({ kind: 'file', file, line: 2 });
  });

  it('refuses a file with faults whole', () => {
    const reloadable = start('[controller_worker]\namp_image_tag = old\n');
    const before = reloadable.current();
    writeFileSync(file, '[controller_worker]\namp_image_tag = new\namp_active_retries = many\n');
    expect(() => reloadable.reload()).toThrow(/amp_active_retries = many: must be an integer/);
    rmSync(file);
    expect(() => reloadable.reload()).toThrow(/does not exist/);
    expect(reloadable.current()).toBe(before);
    writeFileSync(file, '[controller_worker]\namp_image_tag = newer\n');
    expect(reloadable.reload().changed).toHaveLength(1);
    expect(reloadable.current().config.controller_worker.amp_image_tag).toBe('newer');
  });

  it('faults at start are thrown at start', () => {
    expect(() => start('[nova]\ninsecure = x\n')).toThrow(/insecure/);
  });
});
