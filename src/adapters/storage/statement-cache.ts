/** Statements kept; what a Kiln asks again and again is about half as many texts. */
const MOST_STATEMENTS = 256;

interface Preparing<Statement> {
  prepare(text: string): Statement;
  close(): void;
}

/**
 * Prepares each text once, as long as it is among those asked for last: with SQLite, preparing takes longer than most
 * statements run. A change of tables in between is SQLite's to notice. Not for statements that are read row by row: one
 * that is asked for while it is still read would be refused.
 */
export function withStatementCache<Statement>(
  database: Preparing<Statement>,
  mostStatements = MOST_STATEMENTS,
): Preparing<Statement> {
  const statements = new Map<string, Statement>();
  return {
    prepare(text) {
      const statement = statements.get(text) ?? database.prepare(text);
      // The last one of the map is the one asked for last.
      statements.delete(text);
      statements.set(text, statement);
      if (statements.size > mostStatements) statements.delete(statements.keys().next().value ?? text);
      return statement;
    },
    close() {
      statements.clear();
      database.close();
    },
  };
}
