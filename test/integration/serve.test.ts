import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { type KilnProcess, runKiln, startKiln } from '../kit/kiln-process.ts';

describe('kiln serve', () => {
  let dev: DevCloud;
  let serve: KilnProcess;
  const kiln = (...words: string[]) => runKiln(words, dev.environment);
  const boot = async () => JSON.parse((await kiln('--json', 'amphora', 'boot')).stdout);

  beforeAll(async () => {
    dev = await startDevCloud();
    serve = startKiln(['serve'], dev.environment);
    await serve.line(/"msg":"serving"/);
  });
  afterAll(async () => {
    await serve.stop();
    await dev.close();
  });

  it('boots for the command line, and says that it did', async () => {
    const { status, output } = await kiln('amphora', 'boot');
    expect(status, output).toBe(0);
    expect(output).toContain(`kiln serve (pid ${serve.child.pid})`);
    expect(output).toContain(dev.imageId);
  });

  it('boots the new image once the tag has moved: same process, same configuration', async () => {
    const second = await dev.push('amphora-2');
    expect((await kiln('image', 'tag', second, 'amphora', '--move')).status).toBe(0);
    expect(await boot()).toMatchObject({ status: 'READY', imageId: second });
    expect(serve.child.exitCode).toBeNull();
    const status = JSON.parse((await kiln('--json', 'status')).stdout);
    expect(status).toMatchObject({
      pid: serve.child.pid,
      imageChoices: [{ tag: 'amphora', choice: { imageId: second } }],
    });
  });

  it('takes a changed tag and owner on SIGHUP', async () => {
    const other = await dev.push('other', { tag: 'other-tag' });
    await appendFile(dev.cloud.configurationFile, '\n[controller_worker]\namp_image_tag = other-tag\n');
    const reloaded = serve.next(/configuration read again: 1 option changed/);
    serve.child.kill('SIGHUP');
    await reloaded;
    expect(await boot()).toMatchObject({ imageId: other, imageChoice: { tag: 'other-tag' } });
  });

  it('warns of amp_image_id when a reload brings it, with the commands to leave it again', async () => {
    const good = await readFile(dev.cloud.configurationFile, 'utf8');
    await writeFile(dev.cloud.configurationFile, `${good}\n[controller_worker]\namp_image_id = ${dev.imageId}\n`);
    const warned = serve.next(/amp_image_id is deprecated.*take amp_image_id out of octavia.conf/);
    serve.child.kill('SIGHUP');
    await warned;
    await writeFile(dev.cloud.configurationFile, good);
    const back = serve.next(/configuration read again: 1 option changed/);
    serve.child.kill('SIGHUP');
    await back;
  });

  it('refuses a file with faults whole, keeps the old values, and says why', async () => {
    const good = await readFile(dev.cloud.configurationFile, 'utf8');
    const bad =
      '\n[controller_worker]\namp_image_tag = third\namp_active_retries = many\n[nova]\nrandom_amphora_name_length = x\n';
    await writeFile(dev.cloud.configurationFile, good + bad);
    serve.child.kill('SIGHUP');
    const line = await serve.line(/configuration refused/);
    expect(line).toContain('amp_active_retries');
    expect(line).toContain('random_amphora_name_length');
    await writeFile(dev.cloud.configurationFile, good);
    expect((await boot()).imageChoice.tag).toBe('other-tag');
  });

  it('refuses a file that no amphora could be booted with', async () => {
    const good = await readFile(dev.cloud.configurationFile, 'utf8');
    await writeFile(dev.cloud.configurationFile, `${good}\n[controller_worker]\namp_flavor_id =\n`);
    const refused = serve.next(/configuration refused/);
    serve.child.kill('SIGHUP');
    expect(await refused).toContain('amp_flavor_id is not set');
    await writeFile(dev.cloud.configurationFile, good);
    expect(await boot()).toMatchObject({ status: 'READY' });
  });

  it('logs at level debug from SIGHUP on, without a secret', async () => {
    await appendFile(dev.cloud.configurationFile, '\n[DEFAULT]\ndebug = true\n');
    const reloaded = serve.next(/configuration read again: 1 option changed/);
    serve.child.kill('SIGHUP');
    await reloaded;
    const asked = serve.next(/"level":"debug".*images/);
    await boot();
    await asked;
    const { password } = dev.cloud.accounts.kiln;
    expect(serve.lines.some((line) => line.includes(password))).toBe(false);
  });

  it('is one for one state: a second is refused with the pid of the first', async () => {
    const { status, output } = await kiln('serve');
    expect(status).toBe(2);
    expect(output).toContain(`pid ${serve.child.pid}`);
  });

  it('deletes what it booted', async () => {
    const amphorae = JSON.parse((await kiln('--json', 'amphora', 'list')).stdout) as {
      id: string;
      computeId: string;
    }[];
    expect(amphorae.length).toBeGreaterThan(0);
    for (const { id } of amphorae) expect((await kiln('amphora', 'delete', id)).status).toBe(0);
    for (const { computeId } of amphorae) {
      await expect(dev.openstack.compute.getServer(computeId)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    }
  });

  it('undoes a boot when the command that asked for it is interrupted, and serves on', async () => {
    await dev.push('silent', { tag: 'silent', silent: true });
    await appendFile(dev.cloud.configurationFile, '\n[controller_worker]\namp_image_tag = silent\n');
    const reloaded = serve.next(/configuration read again: 1 option changed/);
    serve.child.kill('SIGHUP');
    await reloaded;
    const boot = startKiln(['amphora', 'boot'], dev.environment);
    await boot.line(/✓ server active/);
    const undone = serve.next(/the boot was cancelled/);
    boot.child.kill('SIGINT');
    expect(await boot.ended).toBe(6);
    expect(boot.lines.join('\n')).toContain('`kiln serve` undoes it');
    await undone;
    await expect
      .poll(
        async () => {
          const [amphora] = JSON.parse((await kiln('--json', 'amphora', 'list')).stdout);
          return { status: amphora.status, servers: await dev.openstack.compute.findServersByName(amphora.serverName) };
        },
        { timeout: 60_000 },
      )
      .toEqual({ status: 'ERROR', servers: [] });
    expect(serve.child.exitCode).toBeNull();
  }, 120_000);

  it('lets a boot under way rest when it is asked to stop, and the next one goes on with it', async () => {
    const boot = startKiln(['amphora', 'boot'], dev.environment);
    await boot.line(/✓ server active/);
    expect(await serve.stop()).toBe(0);
    expect(await boot.ended).toBe(6);
    expect(boot.lines.join('\n')).toContain('goes on when Kiln runs again');
    const newest = async () => JSON.parse((await kiln('--json', 'amphora', 'list')).stdout)[0];
    const { id, status, serverName } = await newest();
    expect(status).toBe('BOOTING');
    const servers = await dev.openstack.compute.findServersByName(serverName);
    expect(servers).toHaveLength(1);
    const next = startKiln(['serve'], {
      ...dev.environment,
      OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '1',
      OS_HAPROXY_AMPHORA__CONNECTION_RETRY_INTERVAL: '1',
    });
    await next.line(/"msg":"serving"/);
    // It is the same server whose agent is waited for, and which goes as the agent does not answer.
    await expect
      .poll(newest, { timeout: 90_000 })
      .toMatchObject({ id, status: 'ERROR', computeId: servers[0]?.id, reason: { code: 'AGENT_UNREACHABLE' } });
    expect(await dev.openstack.compute.findServersByName(serverName)).toEqual([]);
    expect(await next.stop()).toBe(0);
  }, 180_000);

  it('logs at level debug from the start with --debug', async () => {
    const debugging = startKiln(['--debug', 'serve'], { ...dev.environment, OS_DEFAULT__DEBUG: 'false' });
    await debugging.line(/"msg":"serving"/);
    const boot = kiln('amphora', 'boot');
    await debugging.line(/"level":"debug".*images/);
    expect(await debugging.stop()).toBe(0);
    await boot;
  });
});
