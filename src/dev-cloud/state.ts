import Database from 'better-sqlite3';

/** Rows of one kind, held in memory and written through to the state file. Rows are plain JSON; `put` replaces whole. */
export interface Table<Row extends { id: string }> {
  get(id: string): Row | undefined;
  /** In insertion order. */
  all(): Row[];
  put(row: Row): void;
  delete(id: string): void;
}

/**
 * Everything the embedded cloud remembers. One SQLite file; a row is on disk when `put` returns. Only one process can
 * have the file open: rows are held in memory.
 */
export class CloudState {
  readonly #database: Database.Database;
  readonly #tables = new Map<string, Table<{ id: string }>>();

  constructor(file: string) {
    this.#database = new Database(file, { timeout: 500 });
    // Held until the file is closed or the process ends, however it ends.
    this.#database.pragma('locking_mode = EXCLUSIVE');
    this.#database.pragma('journal_mode = WAL');
    this.#database.exec(
      'create table if not exists rows (kind text not null, id text not null, json text not null, primary key (kind, id))',
    );
  }

  table<Row extends { id: string }>(kind: string): Table<Row> {
    const known = this.#tables.get(kind);
    if (known) return known as unknown as Table<Row>;

    const rows = new Map<string, Row>();
    const stored = this.#database.prepare('select id, json from rows where kind = ? order by rowid').all(kind);
    for (const { id, json } of stored as { id: string; json: string }[]) rows.set(id, JSON.parse(json) as Row);

    const write = this.#database.prepare(
      'insert into rows (kind, id, json) values (?, ?, ?) on conflict (kind, id) do update set json = excluded.json',
    );
    const remove = this.#database.prepare('delete from rows where kind = ? and id = ?');
    const table: Table<Row> = {
      get: (id) => rows.get(id),
      all: () => [...rows.values()],
      put: (row) => {
        write.run(kind, row.id, JSON.stringify(row));
        rows.set(row.id, row);
      },
      delete: (id) => {
        remove.run(kind, id);
        rows.delete(id);
      },
    };
    this.#tables.set(kind, table as unknown as Table<{ id: string }>);
    return table;
  }

  /** All writes of `change`, or none of them, reach the disk. A change that throws leaves the memory ahead: don't go on. */
  atomically(change: () => void): void {
    this.#database.transaction(change)();
  }

  close(): void {
    this.#database.close();
  }
}
