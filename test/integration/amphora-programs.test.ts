/** Small programs beside Kiln's agent in a virtual machine: keepalived asks them whether amphora and members serve. */
import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';

const files = join(import.meta.dirname, '../../src/adapters/vm-image/recipe/agents/kiln/files/usr');
const programs = join(files, 'lib/kiln/agent/programs');

/** Its exit status. */
async function statusOf(program: string, ...arguments_: string[]): Promise<number | string> {
  return await new Promise((resolve) => {
    execFile(program, arguments_, (error) => resolve(error ? (error.code ?? 'ended by a signal') : 0));
  });
}

describe('vrrp-check', () => {
  const check = (folder: string) => statusOf(join(programs, 'vrrp-check'), folder);
  function amphora() {
    const folder = mkdtempSync(join(tmpdir(), 'vrrp-check-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'lb'));
    mkdirSync(join(folder, 'lvs'));
    writeFileSync(join(folder, 'lb/haproxy.cfg'), '');
    return folder;
  }
  async function answering(file: string) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end('# pxname,svname\n'));
    }).listen(file);
    await once(server, 'listening');
    onTestFinished(() => void server.close());
  }

  it('an amphora where nothing should run can not serve', async () => {
    expect(await check(amphora())).toBe(1);
  });

  it('one whose HAProxy should run serves while that answers', async () => {
    const folder = amphora();
    writeFileSync(join(folder, 'lb/should-run'), '');
    expect(await check(folder)).toBe(1);
    await answering(join(folder, 'lb.sock'));
    expect(await check(folder)).toBe(0);
  });

  it('one whose HAProxy takes the question and says nothing can not serve', async () => {
    const folder = amphora();
    writeFileSync(join(folder, 'lb/should-run'), '');
    const server = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(
      join(folder, 'lb.sock'),
    );
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    expect(await check(folder)).toBe(1);
  });

  it('and every keepalived of a UDP listener has to run', async () => {
    const folder = amphora();
    const lvs = (ending: string) => join(folder, `lvs/octavia-keepalivedlvs-x.${ending}`);
    writeFileSync(lvs('should-run'), '');
    expect(await check(folder)).toBe(1);
    writeFileSync(lvs('pid'), `${process.pid}\n`);
    expect(await check(folder)).toBe(0);
    writeFileSync(lvs('pid'), '4194305\n');
    expect(await check(folder)).toBe(1);
  });
});

describe('udp-check', () => {
  it.each([
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
  ] as const)('tells a port of %s that is refused from one that is not', async (type, address) => {
    const socket = createSocket(type);
    socket.bind(0, address);
    await once(socket, 'listening');
    const { port } = socket.address();
    expect(await statusOf(join(programs, 'udp-check'), address, String(port))).toBe(0);
    socket.close();
    await once(socket, 'close');
    expect(await statusOf(join(programs, 'udp-check'), address, String(port))).toBe(1);
  });
});

describe.skipIf(process.getuid?.() !== 0)('amphora-health-checker', () => {
  const check = (port: number) =>
    statusOf(join(files, 'bin/amphora-health-checker'), 'sctp', '-t', '5', '127.0.0.1', String(port));

  /** Answers each INIT for a port: with INIT ACK (2) or ABORT (6). What came has to have a right CRC32c, of RFC 9260's appendix. */
  async function answer(port: number, type: number) {
    const script = `
import socket, struct
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 * (crc & 1))
    return struct.pack('<I', crc ^ 0xFFFFFFFF)
assert crc32c(b'123456789') == struct.pack('<I', 0xE3069283)
sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)
print('ready', flush=True)
while True:
    packet, peer = sock.recvfrom(65536)
    packet = packet[(packet[0] & 15) * 4:]
    source, destination, tag = struct.unpack('!HHI', packet[:8])
    if destination != ${port} or packet[12] != 1 or tag != 0 or packet[8:12] != crc32c(packet[:8] + bytes(4) + packet[12:]):
        continue
    chunk = struct.pack('!BBH', ${type}, 0, 20) + struct.pack('!IIHHI', 7, 65536, 1, 1, 1)
    head = packet[2:4] + packet[0:2] + packet[16:20]
    sock.sendto(head + crc32c(head + bytes(4) + chunk) + chunk, peer)
`;
    const server = spawn('/usr/bin/python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void server.kill());
    await once(createInterface({ input: server.stdout }), 'line');
  }

  it('takes INIT ACK for a member that serves', async () => {
    await answer(3868, 2);
    expect(await check(3868)).toBe(0);
  });

  it('takes ABORT for one that does not', async () => {
    await answer(3869, 6);
    expect(await check(3869)).toBe(1);
  });
});
