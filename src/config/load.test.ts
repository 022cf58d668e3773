// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation of oslo.config, not of JavaScript
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KilnError } from '../model/errors.ts';
import { knownOptions } from './known-options.ts';
import { type ConfigurationFault, examineConfiguration, type LoadOptions, loadConfiguration } from './load.ts';
import { declarations } from './options/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Loads these texts as files, in order. */
function load(texts: readonly string[], options: LoadOptions = {}) {
  const configFiles = texts.map((text, index) => write(`${index}.conf`, text));
  return loadConfiguration({ configFiles, configDirs: [], environment: {}, ...options });
}

function faultsOf(texts: readonly string[], environment: Record<string, string> = {}): readonly ConfigurationFault[] {
  const configFiles = texts.map((text, index) => write(`${index}.conf`, text));
  return examineConfiguration({ configFiles, configDirs: [], environment }).faults;
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(KilnError);
    expect((error as KilnError).code).toBe('CONFIGURATION_INVALID');
    return (error as KilnError).message;
  }
  throw new Error('did not throw');
}

describe('what is in force', () => {
  it('defaults are those of Octavia where nothing is set', () => {
    const { config, origins, files } = load([]);
    expect(config.controller_worker).toMatchObject({
      amp_image_tag: null,
      amp_image_owner_id: null,
      amp_image_tag_policy: 'newest',
      amp_image_id: null,
      amp_active_retries: 30,
      amp_active_wait_sec: 10,
      amp_boot_network_list: [],
      client_ca: '/etc/octavia/certs/ca_01.pem',
    });
    expect(config.certificates.ca_certificate).toBe('/etc/ssl/certs/ssl-cert-snakeoil.pem');
    expect(origins.get('nova.endpoint_type')).toEqual({ source: { kind: 'default' }, secret: false });
    expect(files).toEqual([]);
  });

  it('a later file wins, option by option; the last of a repeated key', () => {
    const { config, origins } = load([
      '[controller_worker]\namp_image_tag = old\namp_image_tag = older\namp_flavor_id = 65\n[Nova]\nregion_name = One\n',
      '[controller_worker]\namp_image_tag = new # 2\n[nova]\nregion_name =\n',
    ]);
    expect(config.controller_worker).toMatchObject({ amp_image_tag: 'new # 2', amp_flavor_id: '65' });
    expect(config.nova.region_name).toBeNull();
    expect(origins.get('controller_worker.amp_image_tag')?.source).toEqual({
      kind: 'file',
      file: join(folder, '1.conf'),
      line: 2,
    });
  });

  it('variables with an older name of an option count as those with its own, after them', () => {
    const file = '[kiln]\nimage_max_age_days = 3\n';
    const older = { OS_KILN__IMAGE_AGE_WARNING_DAYS: '1' };
    const both = { ...older, OS_KILN__IMAGE_MAX_AGE_DAYS: '2' };
    const days = (environment: Record<string, string>) => load([file], { environment }).config.kiln.image_max_age_days;
    expect([days({}), days(older), days(both)]).toEqual([3, 1, 2]);
    expect(load([file], { environment: older }).deprecated).toMatchObject([
      {
        source: { variable: 'OS_KILN__IMAGE_AGE_WARNING_DAYS' },
        message: 'deprecated name of [kiln] image_max_age_days',
      },
    ]);
  });

  it('reads folders after files, *.conf by name, and nothing else in them', () => {
    write('conf.d/20-b.conf', '[controller_worker]\namp_image_tag = b\n');
    write('conf.d/10-a.conf', '[controller_worker]\namp_image_tag = a\namp_flavor_id = a\n');
    write('conf.d/.hidden.conf', '[controller_worker]\namp_image_tag = hidden\n');
    write('conf.d/30-c.conf.bak', '[controller_worker]\namp_image_tag = backup\n');
    const { config, files } = load(['[controller_worker]\namp_image_tag = file\n'], {
      configDirs: [join(folder, 'conf.d')],
    });
    expect(config.controller_worker).toMatchObject({ amp_image_tag: 'b', amp_flavor_id: 'a' });
    expect(files.map((file) => file.slice(folder.length + 1))).toEqual([
      '0.conf',
      'conf.d/10-a.conf',
      'conf.d/20-b.conf',
    ]);
  });

  it('without --config-file, the usual places: the first folder that has the file', () => {
    write('.octavia/octavia.conf', '[controller_worker]\namp_image_tag = first\n');
    write('octavia.conf', '[controller_worker]\namp_image_tag = second\n');
    write('kiln.conf', '[controller_worker]\namp_flavor_id = kiln\n');
    write('octavia.conf.d/x.conf', '[controller_worker]\namp_timezone = folder\n');
    const { config } = loadConfiguration({ environment: { HOME: folder } });
    expect(config.controller_worker).toMatchObject({
      amp_image_tag: 'first',
      amp_flavor_id: 'kiln',
      amp_timezone: 'folder',
    });
    write('given.conf', '[controller_worker]\namp_flavor_id = given\n');
    const given = loadConfiguration({ environment: { HOME: folder }, configFiles: ['~/given.conf'] });
    expect(given.config.controller_worker).toMatchObject({ amp_flavor_id: 'given', amp_timezone: 'folder' });
    expect(given.config.controller_worker.amp_image_tag).toBeNull();
  });

  it('the environment wins over files, and gives some defaults', () => {
    const { config, origins } = load(
      ['[controller_worker]\namp_image_tag = file\n[certificates]\nsigning_digest=sha512'],
      {
        environment: {
          OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: 'variable',
          OS_DEFAULT__DEBUG: 'yes',
          OS_GLANCE__REGION_NAME: '',
          OS_OCTAVIA_TLS_CA_CERT: '/ca.pem',
          OS_OCTAVIA_CA_SIGNING_DIGEST: 'sha384',
        },
      },
    );
    expect(config.controller_worker.amp_image_tag).toBe('variable');
    expect(config.DEFAULT.debug).toBe(true);
    expect(config.glance.region_name).toBeNull();
    expect(config.certificates).toMatchObject({ ca_certificate: '/ca.pem', signing_digest: 'sha512' });
    expect(origins.get('DEFAULT.debug')?.source).toEqual({ kind: 'environment', variable: 'OS_DEFAULT__DEBUG' });
  });

  it('puts in what $name, ${name} and $section.name stand for, known options that Kiln does not use included', () => {
    const { config } = load([
      [
        '[DEFAULT]',
        'log_dir = /var/log/$host',
        'host = lb1',
        '[service_auth]',
        'username = u$$1',
        'project_name = ${username}-\\$x',
        'region_name = $nova.region_name',
        '[nova]',
        'region_name = R',
        'service_name = $log_dir',
        'random_amphora_name_length = $haproxy_amphora.rest_request_conn_timeout',
      ].join('\n'),
    ]);
    expect(config.DEFAULT.log_dir).toBe('/var/log/lb1');
    expect(config.service_auth).toMatchObject({ username: 'u$1', project_name: 'u$1-$x', region_name: 'R' });
    expect(config.nova).toMatchObject({ service_name: '/var/log/lb1', random_amphora_name_length: 10 });
  });

  it('of any sequence of files, the last that sets an option counts', () => {
    const text = fc.stringMatching(/^[a-z]{1,8}$/);
    const file = fc.record({
      tag: fc.option(text),
      flavor: fc.option(text),
      section: fc.constantFrom('controller_worker', 'Controller_Worker'),
    });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 5 }), (files) => {
        const { config } = load(
          files.map(({ tag, flavor, section }) =>
            [`[${section}]`, tag && `amp_image_tag = ${tag}`, flavor && `amp_flavor_id: ${flavor}`]
              .filter(Boolean)
              .join('\n'),
          ),
        );
        expect(config.controller_worker.amp_image_tag).toBe(files.findLast(({ tag }) => tag)?.tag ?? null);
        expect(config.controller_worker.amp_flavor_id).toBe(files.findLast(({ flavor }) => flavor)?.flavor ?? null);
      }),
      { numRuns: 50 },
    );
  });
});

describe('faults', () => {
  it('are all reported at once: files, lines, values, variables', () => {
    const missing = join(folder, 'missing.conf');
    const bad = [
      '[controller_worker]',
      'amp_active_retries = ten',
      'amp_image_tag_policy = Newest',
      'amp_boot_network_list = a,,b',
      'nonsense',
      '[database',
      '[haproxy_amphora]',
      'bind_port = 70000',
    ].join('\n');
    const first = write('first.conf', bad);
    const message = messageOf(() =>
      loadConfiguration({
        configFiles: [first, missing],
        configDirs: [join(folder, 'nowhere')],
        environment: { OS_NOVA__INSECURE: 'perhaps' },
      }),
    );
    expect(message.split('\n')).toEqual([
      'the configuration has 9 faults:',
      `  ${missing}: does not exist`,
      `  ${join(folder, 'nowhere')}: does not exist`,
      `  ${first}:5: expected [section], "option = value" or a comment that begins with # or ;`,
      `  ${first}:6: a section must end with "]", with nothing after it`,
      `  ${first}:3: [controller_worker] amp_image_tag_policy = Newest: must be one of: newest, unique`,
      `  ${first}:4: [controller_worker] amp_boot_network_list = a,,b: "" must be an ID`,
      `  ${first}:2: [controller_worker] amp_active_retries = ten: must be an integer, 0 or more`,
      '  OS_NOVA__INSECURE: [nova] insecure = perhaps: must be true, 1, on or yes, or else false, 0, off or no',
      `  ${first}:8: [haproxy_amphora] bind_port = 70000: must be a port from 0 to 65535`,
    ]);
  });

  it('come with their parts, for machines', () => {
    expect(faultsOf(['[nova]\nrandom_amphora_name_length = 300'])).toEqual([
      {
        section: 'nova',
        option: 'random_amphora_name_length',
        value: '300',
        allowed: 'an integer, 255 or less',
        file: join(folder, '0.conf'),
        line: 2,
        variable: null,
        message: 'must be an integer, 255 or less',
      },
    ]);
  });

  it('leave the other options usable', () => {
    const file = write('a.conf', '[controller_worker]\namp_image_tag = t\namp_active_retries = x\n');
    const { loaded, faults } = examineConfiguration({ configFiles: [file], configDirs: [], environment: {} });
    expect(faults).toHaveLength(1);
    expect(loaded.config.controller_worker).toMatchObject({ amp_image_tag: 't', amp_active_retries: 30 });
    expect(loaded.origins.get('controller_worker.amp_active_retries')?.source.kind).toBe('default');
  });

  it('of references: nothing there, a cycle, a value at fault', () => {
    const [nothing, ...cycle] = faultsOf([
      '[controller_worker]\namp_image_tag = $nowhere\n[nova]\nservice_name = $endpoint\nendpoint = x${nova.service_name}\n',
    ]);
    expect(nothing?.message).toBe('$nowhere: no such option is set; a dollar sign itself is written "$$"');
    expect(cycle.map(({ option }) => option)).toEqual(['service_name', 'endpoint']);
    expect(cycle[1]?.message).toContain('refers to itself (nova.service_name → nova.endpoint → nova.service_name)');
    expect(faultsOf(['[nova]\nservice_name = $insecure\ninsecure = 7'])[0]?.message).toContain('a fault of its own');
  });

  it('a cycle of any length ends', () => {
    const names = Object.keys(declarations.service_auth).filter((name) => name !== 'insecure');
    fc.assert(
      fc.property(fc.shuffledSubarray(names, { minLength: 1 }), (cycle) => {
        const lines = cycle.map((name, index) => `${name} = $${cycle[(index + 1) % cycle.length]}`);
        const faults = faultsOf([['[service_auth]', ...lines].join('\n')]);
        expect(faults.map(({ option }) => option).sort()).toEqual([...cycle].sort());
      }),
      { numRuns: 30 },
    );
  });

  it('never show a secret, nor a password in a URL', () => {
    const message = messageOf(() =>
      load(
        [
          '[service_auth]\npassword = hunter2$hunter3\n[database]\nconnection = mysql://u:hunter4$hunter5@h/db\n',
          '[health_manager]\nheartbeat_key = ${hunter6}\n[nova]\ninsecure = $service_auth.token\n[neutron]\ninsecure=$token\n',
        ],
        { environment: { OS_SERVICE_AUTH__TOKEN: 'hunter7' } },
      ),
    );
    expect(message.split('\n')).toHaveLength(1 + 5);
    expect(message).not.toContain('hunter');
    expect(message).toContain('[service_auth] password = ***: has a "$" that can\'t be followed');
  });

  it('refuse an option that would do harm in silence', () => {
    const faults = faultsOf([
      '[service_auth]\nauth_section = keystone_authtoken\n[controller_worker]\nvolume_driver = volume_other_driver',
    ]);
    expect(faults.map(({ option }) => option)).toEqual(['volume_driver', 'auth_section']);
  });

  it('refuse a tag that Glance could not hold', () => {
    const tagged = (tag: string) => [`[controller_worker]\namp_image_tag = ${tag}\n`];
    expect(load(tagged('🐘'.repeat(255))).config.controller_worker.amp_image_tag).toHaveLength(510);
    expect(faultsOf(tagged('t'.repeat(256))).map(({ option, line }) => [option, line])).toEqual([['amp_image_tag', 2]]);
  });
});

describe('remarks', () => {
  it('an option that no Octavia had is named with the nearest one', () => {
    const { unknown } = load(
      [
        '[controller_worker]\namp_image_tags = a\namp-image-tag = b\nendpoint_type = c\namp_ssh_allowed_access = d\nxyzzy = e\n' +
          '[DEFAULT]\namp_image_tag = e\n[hause_keeping]\na = 1\n[default]\ndebug = true\n[kiln]\nconstructor = 1\n',
      ],
      { environment: { OS_GLANCE__REGION: 'x', OS_MY__OWN: 'y', OS_NOVA__ENDPOINT_TYPE: 'publicURL' } },
    );
    expect(unknown.map(({ section, option, message }) => `${section} ${option}: ${message}`)).toEqual([
      'controller_worker amp_image_tags: no such option of Octavia or its libraries is known; did you mean [controller_worker] amp_image_tag?',
      'controller_worker amp-image-tag: no such option of Octavia or its libraries is known; did you mean [controller_worker] amp_image_tag?',
      'controller_worker endpoint_type: no such option of Octavia or its libraries is known; did you mean [glance] endpoint_type?',
      'controller_worker amp_ssh_allowed_access: no such option of Octavia or its libraries is known; did you mean [controller_worker] amp_ssh_access_allowed?',
      'controller_worker xyzzy: no such option of Octavia or its libraries is known',
      'DEFAULT amp_image_tag: no such option of Octavia or its libraries is known; did you mean [controller_worker] amp_image_tag?',
      'kiln constructor: no such option of Octavia or its libraries is known',
      'glance region: no such option of Octavia or its libraries is known; did you mean OS_GLANCE__REGION_NAME?',
      'hause_keeping null: no such section of Octavia or its libraries is known; did you mean [house_keeping]?',
      'default null: no such section of Octavia or its libraries is known; did you mean [DEFAULT]?',
    ]);
    expect(unknown[0]?.source).toEqual({ kind: 'file', file: join(folder, '0.conf'), line: 2 });
  });

  it("what Octavia's sample file and Kolla's template set is nobody's slip", () => {
    const set =
      '[oslo_messaging]\ntopic = octavia_prov\nrpc_thread_pool_size = 2\n[service_auth]\nmemcached_servers = a\n';
    const { unused, unknown } = load([`${set}memcache_security_strategy = ENCRYPT\nmemcache_secret_key = k\n`]);
    expect(unknown).toEqual([]);
    expect(unused.map(({ option }) => option)).toHaveLength(5);
  });

  it('an option of Octavia that Kiln does not use is no fault', () => {
    const { unused, unknown } = load([
      '[DEFAULT]\ncontrol_exchange = octavia\n[oslo_messaging_rabbit]\nrabbit_quorum_queue = x\n[house_keeping]\nspare_check_interval = 9\n',
    ]);
    expect(unknown).toEqual([]);
    expect(unused.map(({ section, option }) => `${section}.${option}`)).toEqual([
      'DEFAULT.control_exchange',
      'oslo_messaging_rabbit.rabbit_quorum_queue',
      'house_keeping.spare_check_interval',
    ]);
  });

  it('older names are read and pointed out; so are options on their way out', () => {
    const { config, deprecated } = load([
      '[DEFAULT]\nsql_connection = sqlite:////a\n[SQL]\nconnection = sqlite:////b\n[service_auth]\ntenant_name = service\n' +
        '[controller_worker]\namp_image_id = 1234\n',
    ]);
    expect(config.database.connection).toBe('sqlite:////a');
    expect(config.service_auth.project_name).toBe('service');
    expect(deprecated.map(({ section, option, message }) => `${section} ${option}: ${message}`)).toEqual([
      'DEFAULT sql_connection: deprecated name of [database] connection',
      'sql connection: deprecated name of [database] connection',
      'service_auth tenant_name: deprecated name of [service_auth] project_name',
      'controller_worker amp_image_id: deprecated: set amp_image_tag, and move the tag from image to image',
    ]);
  });
});

describe('declarations', () => {
  const own = ['kiln', 'controller_worker.amp_image_tag_policy'];
  const all = Object.entries(declarations).flatMap(([section, options]) =>
    Object.entries(options).map(([option, declared]) => ({ section, option, declared })),
  );

  it('are options of Octavia, but for our own', () => {
    const foreign = all.filter(({ section, option }) => !knownOptions.get(section)?.has(option));
    const names = foreign.map(({ section, option }) => `${section}.${option}`);
    expect(names.filter((name) => !own.some((prefix) => name.startsWith(prefix)))).toEqual([]);
  });

  it('have help that ends in a full stop, and times have a unit', () => {
    const isTime = /_(seconds|sec|timeout|interval|time)$/;
    const offenders = all.filter(
      ({ option, declared: { help, unit } }) =>
        !/^[A-Z"`].*\.$/.test(help) || (isTime.test(option) && unit !== 'seconds'),
    );
    expect(offenders.map(({ section, option }) => `${section}.${option}`)).toEqual([]);
  });
});
