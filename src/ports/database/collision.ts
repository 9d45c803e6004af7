import { DatabaseError, type DatabaseErrorKind } from './database-error.js';

const TRIES = 3;

/**
 * Runs a transaction again when it met another one: it was a deadlock's victim (`infrastructure`), or another
 * transaction inserted a row between its read and its write (`duplicate`). The work reads everything again each time.
 * @throws DatabaseError once it has failed three times, or at once when it is of another kind.
 */
export async function inCaseOfCollision<T>(kind: DatabaseErrorKind, transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (!(error instanceof DatabaseError && error.kind === kind) || tries === TRIES) throw error;
    }
  }
}
