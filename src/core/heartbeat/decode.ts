import { type PacketFault, unwrapEnvelope } from './envelope.ts';
import type { Heartbeat, ListenerCounters, ListenerHeartbeat, PoolHeartbeat } from './message.ts';

/** The newest format that Kiln reads. */
const newestVersion = 3;

/** `detail` is for the log: it names the field, and holds nothing that a stranger could have written. */
export type DecodedHeartbeat =
  | { ok: true; heartbeat: Heartbeat }
  | { ok: false; fault: PacketFault | 'shape' | 'version'; detail: string };

/**
 * Reads a packet of an amphora's agent: formats 0 to 3, signatures in hex or binary. Never throws, and never decompresses
 * what is not signed with `key`. Unknown fields are ignored; a known one that is not what it should be drops the packet.
 */
export function decodeHeartbeat(packet: Uint8Array, key: string): DecodedHeartbeat {
  const unwrapped = unwrapEnvelope(packet, key);
  if (!unwrapped.ok) return { ...unwrapped, detail: details[unwrapped.fault] };
  try {
    return readMessage(unwrapped.message);
  } catch (thrown) {
    if (thrown instanceof WrongField) return { ok: false, fault: 'shape', detail: thrown.message };
    throw thrown;
  }
}

const details: Record<PacketFault, string> = {
  'too-short': 'the packet is too short to be signed',
  'too-long': 'the packet is longer than UDP carries',
  signature: 'the packet is not signed with [health_manager] heartbeat_key',
  compression: 'the packet does not decompress to a message of sensible size',
  json: 'the packet holds no JSON',
};

class WrongField extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function readMessage(message: unknown): DecodedHeartbeat {
  const fields = object('message', message);
  const version = fields.ver === undefined ? 0 : count('ver', fields.ver);
  if (version > newestVersion) {
    return {
      ok: false,
      fault: 'version',
      detail: `the message has format ${version}; Kiln reads 0 to ${newestVersion}`,
    };
  }
  const listeners = new Map<string, ListenerHeartbeat>();
  const poolsOfListeners: PoolHeartbeat[] = [];
  for (const [id, value] of Object.entries(object('listeners', fields.listeners))) {
    const listener = object('listeners.*', value);
    listeners.set(id, { status: text('listeners.*.status', listener.status), counters: counters(listener.stats) });
    if (version < 2) poolsOfListeners.push(...pools('listeners.*.pools', listener.pools ?? {}, id));
  }
  return {
    ok: true,
    heartbeat: {
      amphoraId: text('id', fields.id),
      sequence: fields.seq === undefined ? 0 : count('seq', fields.seq),
      version,
      countersAreDeltas: version >= 3,
      listeners,
      pools: version < 2 ? poolsOfListeners : pools('pools', fields.pools ?? {}, null),
    },
  };
}

/** Absent counters are 0: UDP listeners of the first formats had none. */
function counters(stats: unknown): ListenerCounters {
  const fields = stats === undefined ? {} : object('listeners.*.stats', stats);
  const counter = (name: string) => (fields[name] === undefined ? 0 : count(`listeners.*.stats.${name}`, fields[name]));
  return {
    bytesIn: counter('rx'),
    bytesOut: counter('tx'),
    activeConnections: counter('conns'),
    totalConnections: counter('totconns'),
    requestErrors: counter('ereq'),
    ...backendCounters(fields),
  };
}

/** Keys of Kiln's own agent. Nonsense in them is as if they were not there: a heartbeat is worth more than they are. */
function backendCounters(fields: Fields): Pick<ListenerCounters, 'backend'> {
  const reported = ['hrsp_5xx', 'econ', 'eresp', 'wretr'].map((name) => fields[name]);
  if (!reported.every(isCount)) return {};
  const [serverErrors = 0, connectErrors = 0, responseErrors = 0, retries = 0] = reported;
  return { backend: { serverErrors, connectErrors, responseErrors, retries } };
}

/** A pool's name is its ID, or its ID and its listener's. */
function pools(where: string, value: unknown, listenerId: string | null): PoolHeartbeat[] {
  return Object.entries(object(where, value)).map(([name, pool]) => {
    const { status, members } = object(`${where}.*`, pool);
    const colon = name.lastIndexOf(':');
    const reported = Object.entries(object(`${where}.*.members`, members ?? {}));
    return {
      poolId: colon < 0 ? name : name.slice(0, colon),
      listenerId: colon < 0 ? listenerId : name.slice(colon + 1),
      status: text(`${where}.*.status`, status),
      members: new Map(reported.map(([id, state]) => [id, text(`${where}.*.members.*`, state)])),
    };
  });
}

function object(where: string, value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new WrongField(`${where} is not an object`);
}

function text(where: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new WrongField(`${where} is not a string`);
}

function count(where: string, value: unknown): number {
  if (isCount(value)) return value;
  throw new WrongField(`${where} is not a number of 0 or more`);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
