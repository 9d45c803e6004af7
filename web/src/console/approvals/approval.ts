import { type Schemas } from '../../api/client.ts';

/** A request for a second operator (`TWO_PERSON`). */
export type Approval = Schemas['Approval'];

/** Is this answer a 202, of an act that waits for a second operator? Nothing was done then. */
export function isApproval(answer: unknown): answer is Approval {
  return typeof answer === 'object' && answer !== null && 'neededRole' in answer;
}
