import { DatabaseError } from '../../ports/database/database-error.js';

/**
 * What a failed transaction means for the claims in it. The product's numbers were sorted before, by the
 * adapter, into `DatabaseError.kind`; here is decided what becomes of them:
 * - `duplicate`: a unique key is taken by a row that was not there when we looked. Look again: the key does not say
 *   whose row it is, so it settles nothing. When it stays taken, it is a suspect.
 * - `infrastructure`: the same chunk again, later. Nothing is settled and nothing is quarantined.
 * - `suspect`: perhaps a row, perhaps the server. Found out by trying smaller pieces, and in the end a row that must fit:
 *   only a row that is refused alone before and after that one was accepted is poison.
 * - `defect`: our own mistake (a TypeError). Neither may it cost a claim, nor the process: the batch comes again, and
 *   the log says so.
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
