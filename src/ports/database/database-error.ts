/**
 * What a refusal of the database means for the work that it stopped:
 * - `duplicate`: a unique key is taken. Read again; the key says nothing about whose row it is.
 * - `infrastructure`: the same statement may succeed later (connection, deadlock, disk full, read-only, shutdown).
 * - `data`: this row can never be stored as it is.
 * - `unknown`: a number that is in no list. The consumer finds out by trying (bisection) whether it is the row or the server.
 */
export type DatabaseErrorKind = 'duplicate' | 'infrastructure' | 'data' | 'unknown';

/** The only error that leaves the `Database` port, apart from those that the work itself throws. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';

  /** Tells the HTTP edge which answer this is, when a request cannot go on without the database. */
  get problemCode(): 'database-unavailable' | undefined {
    return this.kind === 'infrastructure' ? 'database-unavailable' : undefined;
  }

  constructor(
    readonly kind: DatabaseErrorKind,
    /** The product's own code (`ER_LOCK_DEADLOCK`, `SQLITE_FULL`), for logs and failed events. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
