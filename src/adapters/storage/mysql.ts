import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { type Dialect, MysqlAdapter, MysqlDialect } from 'kysely';
import { createPool, type Pool, type PoolConnection, type SslOptions } from 'mysql2';
import type { MysqlConnection } from './connection.ts';
import { createMysqlDriver } from './mysql-driver.ts';

/** Of each of the two pools. A boot makes a few short calls; more at once than this wait for each other. */
const LARGEST_POOL = 6;

/**
 * Strict: what doesn't fit is refused, not cut. It also takes out NO_BACKSLASH_ESCAPES, with which the driver's quoting
 * of values would not be safe; and a server may be set up not to commit by itself. Lists of IDs are never cut short.
 */
const sessionOf = (autocommit: 0 | 1) =>
  `set session sql_mode = 'TRADITIONAL', autocommit = ${autocommit}, group_concat_max_len = 4294967295`;

/**
 * Galera: reads, updates and deletes wait until this node has what another one has committed. The pool's connections may
 * end at different nodes, and a row just written on one must be found on the other.
 */
const GALERA_SESSION = 'set session wsrep_sync_wait = 3';
const UNKNOWN_SYSTEM_VARIABLE = 1193;

/** Once the process is to end, a server that says nothing is waited for no longer. */
const STOPPING_TIMEOUT_SECONDS = 3;

/**
 * MySQL, MariaDB and Galera, through pools of connections.
 * @param stopping aborted when the process is to end: from then on there is little patience with a server that is silent.
 */
export function mysqlDialect(connection: MysqlConnection, stopping?: AbortSignal): Dialect {
  const { host, port, user, password, database } = connection;
  const ssl = readTlsFiles(connection);
  const stream = createSockets(connection, stopping);
  const poolOf = (autocommit: 0 | 1): Pool => {
    const pool = createPool({
      host,
      port,
      user,
      password,
      database,
      ...(ssl && { ssl }),
      charset: 'utf8mb4_bin',
      flags: ['-LOCAL_FILES'], // A server never reads this host's files.
      connectTimeout: connection.connectTimeoutSeconds * 1000,
      connectionLimit: LARGEST_POOL,
      stream,
    });
    pool.on('connection', (opened) => prepareSession(opened, sessionOf(autocommit)));
    return pool;
  };
  const single = poolOf(1);
  const transactions = poolOf(0);
  const dialect = new MysqlDialect({ pool: single });
  return {
    createDriver: () => createMysqlDriver({ single, transactions }),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (kysely) => dialect.createIntrospector(kysely),
    // Kysely would guard migrations by GET_LOCK, which Galera refuses or keeps to one node. None is needed: migrations can
    // be repeated (see ddl.ts), and who loses the race for the row in kiln_migration tries again (see database.ts).
    createAdapter: () =>
      Object.assign(new MysqlAdapter(), {
        acquireMigrationLock: async () => {},
        releaseMigrationLock: async () => {},
      }),
  };
}

/**
 * Opens sockets. The driver has no limit for a server that stops answering; the socket has. A connection that nobody uses is
 * closed by the same limit, and the pool forgets it.
 */
function createSockets(
  { host, port, socketPath, readTimeoutSeconds }: MysqlConnection,
  stopping: AbortSignal | undefined,
): () => Socket {
  const place = socketPath ? { path: socketPath } : { host, port, keepAlive: true, noDelay: true };
  const open = new Set<Socket>();
  const limitSeconds = () =>
    stopping?.aborted ? Math.min(readTimeoutSeconds, STOPPING_TIMEOUT_SECONDS) : readTimeoutSeconds;
  stopping?.addEventListener('abort', () => {
    for (const socket of open) socket.setTimeout(limitSeconds() * 1000);
  });
  return () => {
    const socket = connect({ ...place, timeout: limitSeconds() * 1000 });
    // Whom the certificate must name, when it is an address: the driver leaves that to Node, which would ask for `localhost`.
    Object.assign(socket, { _host: host });
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    return socket.on('timeout', () => {
      socket.destroy(Object.assign(new Error(`no answer in ${limitSeconds()} s`), { code: 'ETIMEDOUT' }));
    });
  };
}

/** A connection's statements run in turn: these are done before the first one of whoever asked for the connection. */
function prepareSession(connection: PoolConnection, session: string): void {
  // The pool listens for the first error only; a second one without a listener would end the process.
  connection.on('error', () => {});
  connection.query(session, (error) => {
    if (error) connection.destroy();
  });
  connection.query(GALERA_SESSION, (error) => {
    if (error && error.errno !== UNKNOWN_SYSTEM_VARIABLE) connection.destroy();
  });
}

function readTlsFiles({ tls }: MysqlConnection): SslOptions | null {
  if (!tls) return null;
  return {
    ...(tls.isVerified && { ca: authorities(tls.caFile, tls.caFolder) }),
    ...(tls.certFile && { cert: readFileSync(tls.certFile, 'utf8') }),
    ...(tls.keyFile && { key: readFileSync(tls.keyFile, 'utf8') }),
    ...(tls.keyPassword !== null && { passphrase: tls.keyPassword }),
    ...(tls.ciphers && { ciphers: tls.ciphers }),
    rejectUnauthorized: tls.isVerified,
    verifyIdentity: tls.checkHostname,
  };
}

function authorities(file: string | null, folder: string | null): string[] {
  if (file === null && folder === null) return getCACertificates('system');
  const names = folder === null ? [] : readdirSync(folder).map((name) => join(folder, name));
  const files = names.filter((name) => statSync(name).isFile());
  return [...(file === null ? [] : [file]), ...files].map((name) => readFileSync(name, 'utf8'));
}
