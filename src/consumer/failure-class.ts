import { DatabaseError } from '../persistence/database-error.js';

/**
 * What a failed chunk means (design §5):
 * - `duplicate`: a unique key is taken by a row that was not there when we looked. Look again; it settles nothing.
 * - `infrastructure`: the same chunk again, later. Nothing is settled and nothing is quarantined.
 * - `suspect`: it may be a row, it may be the server. Found out by trying smaller pieces and a row that must fit.
 * - `defect`: our own mistake. Nothing is settled; the batch comes again and somebody is told.
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
