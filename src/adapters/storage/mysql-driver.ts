import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2';

/** Two pools of sessions. */
interface Pools {
  /** Each statement is a transaction of its own (`autocommit = 1`). */
  single: Pool;
  /** A transaction begins with its first statement (`autocommit = 0`). */
  transactions: Pool;
}

/** What Kysely takes for a connection: the server's is taken with the first statement, when it is known for what. */
interface LazyConnection extends DatabaseConnection {
  /** @returns false where one is taken already. */
  takeFrom(pool: Pool): boolean;
  /** Ends the session instead of giving it back: nobody may go on with its transaction. */
  spoil(): void;
  release(): Promise<void>;
}

/**
 * Kysely's driver for MySQL and MariaDB, but for `begin`: transactions have sessions of their own, in which nothing has to be said for
 * one to begin. That is a round trip less for each.
 */
export function createMysqlDriver({ single, transactions }: Pools): Driver {
  const run = (connection: DatabaseConnection, text: string) => connection.executeQuery(CompiledQuery.raw(text));
  return {
    init: async () => {},
    acquireConnection: async () => lazyConnection(single),
    async beginTransaction(connection, { accessMode, isolationLevel }: TransactionSettings) {
      const begins = (connection as LazyConnection).takeFrom(transactions);
      if (accessMode) await run(connection, `set transaction ${accessMode}`);
      if (isolationLevel) await run(connection, `set transaction isolation level ${isolationLevel}`);
      // Several statements in one session of their own choice (`database.connection()`).
      if (!begins) await run(connection, 'begin');
    },
    commitTransaction: async (connection) => void (await run(connection, 'commit')),
    async rollbackTransaction(connection) {
      try {
        await run(connection, 'rollback');
      } catch (error) {
        (connection as LazyConnection).spoil();
        throw error;
      }
    },
    releaseConnection: (connection) => (connection as LazyConnection).release(),
    destroy: async () => void (await Promise.all([end(single), end(transactions)])),
  };
}

function lazyConnection(first: Pool): LazyConnection {
  let pool = first;
  let taken: Promise<PoolConnection> | null = null;
  let isSpoilt = false;
  return {
    takeFrom(other) {
      pool = other;
      return taken === null;
    },
    async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      taken ??= take(pool);
      try {
        return resultOf(await ask(await taken, sql, parameters)) as QueryResult<Row>;
      } catch (error) {
        // The driver's own stack ends at its socket.
        if (error instanceof Error) error.stack += (new Error().stack ?? '').replace(/^[^\n]*/, '');
        throw error;
      }
    },
    // biome-ignore lint/correctness/useYield: rows are read all at once
    async *streamQuery() {
      throw new Error('rows are not read one by one');
    },
    spoil() {
      isSpoilt = true;
    },
    async release() {
      const connection = await taken?.catch(() => null);
      if (isSpoilt) connection?.destroy();
      else connection?.release();
    },
  };
}

type Answer = RowDataPacket[] | ResultSetHeader;

function resultOf(answer: Answer): QueryResult<unknown> {
  if (Array.isArray(answer)) return { rows: answer };
  const { insertId, affectedRows, changedRows } = answer;
  return {
    rows: [],
    numAffectedRows: BigInt(affectedRows),
    numChangedRows: BigInt(changedRows),
    ...(insertId > 0 && { insertId: BigInt(insertId) }),
  };
}

const take = (pool: Pool) =>
  new Promise<PoolConnection>((resolve, reject) => {
    pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
  });

const ask = (connection: PoolConnection, sql: string, parameters: readonly unknown[]) =>
  new Promise<Answer>((resolve, reject) => {
    const values = parameters as (string | number | null)[];
    connection.query<Answer>(sql, values, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

const end = (pool: Pool) =>
  new Promise<void>((resolve, reject) => {
    pool.end((error) => (error ? reject(error) : resolve()));
  });
