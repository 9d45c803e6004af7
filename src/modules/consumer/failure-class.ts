import { DatabaseError } from '../../ports/database/database-error.js';

/**
 * What a failed transaction means for the claims in it. The adapter has sorted the product's error numbers into
 * `DatabaseError.kind`. The consumer acts by class:
 * - `duplicate`: a unique key is taken by a row that was not there when the consumer looked. Look again: the key does
 *   not say whose row it is, so it settles nothing. A key that stays taken makes a suspect.
 * - `infrastructure`: try the same chunk again, later. Nothing is settled and nothing is quarantined.
 * - `suspect`: the cause is a row or the server. Try smaller pieces, and at last a trial row that must fit. Only a row
 *   that is refused alone before and after the trial was accepted is poison.
 * - `defect`: our own mistake (a TypeError). It must cost neither a claim nor the process: the log delivers the batch
 *   again, and the consumer logs the error.
 */
export type FailureClass = 'duplicate' | 'infrastructure' | 'suspect' | 'defect';

export function failureClassOf(error: unknown): FailureClass {
  if (!(error instanceof DatabaseError)) return 'defect';
  switch (error.kind) {
    case 'duplicate':
    case 'infrastructure':
      return error.kind;
    case 'data':
    case 'unknown':
      return 'suspect';
  }
}
