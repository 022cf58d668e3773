import { KilnError } from '../../model/errors.ts';
import type { Clock } from '../../ports/clock.ts';

/** The whole transaction is void, and is to be tried again at once. */
const UNDONE = new Set([
  1020, // MariaDB: a row has changed since the transaction read it (innodb_snapshot_isolation)
  1213, // InnoDB's deadlock; Galera's failed certification
  1615, // a prepared statement met a table that has changed
  1412, // somebody changed the table since the transaction began, as a newer Kiln does at its start
  3101, // MySQL's group replication: another member's transaction came first
]);

/** MySQL's and MariaDB's numbers for "not now": the connection was ended, or the server can't serve at the moment. */
const NOT_NOW = new Set([
  1040, // too many connections
  1043, // a proxy or server that went away while it greeted
  1047, // Galera: this node is not part of the cluster just now
  1053, // shutdown
  1080, // the connection was closed by the server (1152, 1184)
  1135, // no thread for one more connection
  1152,
  1156, // packets that came too late, or not whole (1157)
  1157,
  1158, // the connection broke while it was read or written (to 1161)
  1159,
  1160,
  1161,
  1180, // Galera: this node left the cluster at COMMIT
  1184,
  1203, // too many connections of this user
  1205, // waited too long for another's lock
  1206, // no room for one more lock
  1207, // no lock for writing in a transaction that only reads
  1226, // this user has used up what it may have in an hour
  1290, // read-only: a replica, or a failover under way
  1297, // MySQL Cluster: a fault that passes, as it says
  1317, // query interrupted
  1461, // no more prepared statements
  1637, // too many transactions at once
  1689, // waiting for a table was ended for another's sake
  1792, // read-only: the server opens transactions so
  1836, // read-only
  1927, // MariaDB: connection was killed
  1969, // MariaDB: a statement took longer than max_statement_time
  2002, // what a proxy in front of the servers says that reaches none of them (to 2013; ProxySQL: 9001)
  2003,
  2006,
  2013,
  2055, // the connection was lost in the middle of an answer
  3024, // MySQL: a statement took longer than max_execution_time
  3032, // MySQL: the server is offline
  3100, // MySQL's group replication: this member takes nothing now
  3168, // MySQL: the server isn't available
  3169, // MySQL: the session was killed
  4031, // MySQL: connection closed after inactivity
  9001,
]);

/** Nothing can be written before somebody has made room: that may take a while, and ends without anything done to Kiln. */
const NO_ROOM = new Set([
  3, // a file could not be written
  1004, // a file could not be made
  1021, // disk full
  1016, // a file could not be opened; mostly there are too many of them
  1023, // a file could not be closed
  1026, // a file could not be written
  1030, // the storage engine failed; mostly its files' disk is full
  1037, // out of memory
  1038, // no memory to sort in
  1041, // out of memory
  1114, // the table, and with it the tablespace, is full
  1878, // a temporary file could not be written
]);

/** The server does not let Kiln in, or not to these tables: a password was changed, a database dropped, a right taken away. */
const NOT_LET_IN = new Set([1044, 1045, 1049, 1129, 1130, 1142, 1146, 1698, 1820, 1862, 3118, 4151]);

const NOT_REACHED = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
]);

const DUPLICATE_ENTRY = 1062;

/** SQLite's: the disk, or the file. Only a wait for another writer ends by itself. */
const SQLITE_FAULT = /^SQLITE_(BUSY|CANTOPEN|CORRUPT|FULL|IOERR|LOCKED|NOMEM|NOTADB|PERM|PROTOCOL|READONLY)/;
const SQLITE_NOT_NOW = /^SQLITE_(BUSY|LOCKED|PROTOCOL)/;
/** Its index in shared memory grows in a file as well. */
const SQLITE_NO_ROOM = /^SQLITE_(FULL|NOMEM|IOERR_NOMEM|IOERR_SHMSIZE|IOERR_WRITE)/;

interface DriverError {
  message?: string;
  code?: string;
  errno?: number;
  /** mysql2: the connection is lost with it. */
  fatal?: boolean;
}

const isOutOfRoom = ({ code = '', errno = 0 }: DriverError) => NO_ROOM.has(errno) || SQLITE_NO_ROOM.test(code);

/** Whether the same call may succeed a little later, with nothing done to Kiln or to its configuration of the database. */
export function mayPass(error: unknown): boolean {
  const { code = '', errno = 0, fatal = false } = error as DriverError;
  if (UNDONE.has(errno) || NOT_NOW.has(errno) || NOT_REACHED.has(code) || SQLITE_NOT_NOW.test(code)) return true;
  if (isOutOfRoom(error as DriverError)) return true;
  // What breaks a connection is of the system (a number below 0) or has no code. The rest was refused: a password, a
  // certificate.
  return fatal && (errno < 0 || code === '');
}

/** Whether the row was refused because another one has its key, or what else must be unique. */
export function isDuplicate(error: unknown): boolean {
  const { code = '', errno = 0 } = error as DriverError;
  return errno === DUPLICATE_ENTRY || /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(code);
}

/** A driver's own words. Several addresses tried in vain have none: only the code. */
export function wordsOf(error: unknown): string {
  const { message, code } = error as DriverError;
  return message || code || String(error);
}

const TRIES = 5;
const PAUSE_MS = 50;

/**
 * Runs one transaction: again, a few times, when the engine undid it in favour of another one.
 * @throws STATE_UNUSABLE when the database can't be reached, breaks off, or can't write. On MySQL what broke off may have
 * been done all the same. Any other error is passed on as it is.
 */
export async function attempt<T>(clock: Clock, transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (!UNDONE.has((error as DriverError).errno ?? 0) || tries === TRIES) throw toStateFault(error);
      await clock.sleep(PAUSE_MS * tries);
    }
  }
}

function toStateFault(error: unknown): unknown {
  const retryable = mayPass(error);
  const advice =
    repairOf(error) ?? (retryable ? 'Look whether the database runs and what its log says, then try again.' : null);
  if (advice === null) return error;
  return new KilnError('STATE_UNUSABLE', `the database failed: ${wordsOf(error)}`, { cause: error, retryable, advice });
}

/** What to do about a fault that somebody has to do something about; null: there is none, or it is not the database's. */
function repairOf(error: unknown): string | null {
  const { code = '', errno = 0 } = error as DriverError;
  if (isOutOfRoom(error as DriverError)) {
    return 'Make room where the database keeps its files (`df -h` on its host); what could not be written is tried again by itself.';
  }
  if (NOT_LET_IN.has(errno))
    return 'See that the database, its tables and the rights of the user in [database] connection are there.';
  return SQLITE_FAULT.test(code) && !SQLITE_NOT_NOW.test(code)
    ? 'See that the disk of [database] connection is well, and that Kiln may write there.'
    : null;
}
