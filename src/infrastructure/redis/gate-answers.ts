import { decodeRecord } from '../../domain/claim.js';
import { type ClaimOutcome, type Fenced, type FenceReason, type GateScript } from '../../ports/gate/issuance-gate.js';
import { SCRIPT_VERSION } from './gate-script.js';

/** What the words of the script mean. */
const KINDS = {
  OK: 'admitted',
  DUPLICATE: 'duplicate',
  NOT_STARTED: 'campaign-not-started',
  PAUSED: 'campaign-paused',
  CLOSED: 'campaign-closed',
  ENDED: 'campaign-ended',
  SOLD_OUT: 'sold-out',
  FOUND: 'found',
  ABSENT: 'absent',
  RELEASED: 'released',
  GONE: 'gone',
  OPENED: 'opened',
  EXISTS: 'exists',
  CHANGED: 'changed',
  OLDER: 'older',
  BELOW_CLAIMED: 'total-below-claimed',
  PAGE: 'page',
  REDATED: 'redated',
  GAUGE: 'gauge',
  UNSUPPORTED: 'unsupported',
  REMOVED: 'removed',
  KEPT: 'kept',
  FENCED: 'fenced',
} as const;

type Kind = (typeof KINDS)[keyof typeof KINDS];

/** The first word of an answer, and what comes with it. */
export type Answer = readonly [string, ...(string | number)[]];

/** The script answered with a word that it does not have in this version. */
class UnknownAnswerError extends Error {
  override readonly name = 'UnknownAnswerError';
}

export function isFence(answer: readonly unknown[]): answer is Answer {
  return answer[0] === 'FENCED';
}

export function toClaimOutcome(answer: Answer): ClaimOutcome {
  const [, , first, second] = answer;
  const kind = kindOf(answer);
  switch (kind) {
    case 'admitted':
      return { kind, sequence: Number(first), claimedAt: Number(second) };
    case 'duplicate':
      return { kind, record: decodeRecord(String(first)), pending: second === 1 };
    case 'campaign-not-started':
      return { kind, startsAt: Number(first) };
    case 'campaign-paused':
    case 'campaign-closed':
    case 'campaign-ended':
      return { kind };
    case 'sold-out':
      return { kind, final: first === 1 };
    default:
      return fenced(answer);
  }
}

/** The kind of an answer; undefined for a word that this version does not know. */
export function kindOf(answer: Answer): Kind | undefined {
  return KINDS[answer[0] as keyof typeof KINDS];
}

/** An outcome that nothing comes with, one of those that the call may have; or a fence. */
export function toOutcome<K extends Kind>(answer: Answer, ...expected: readonly K[]): { readonly kind: K } | Fenced {
  const kind = expected.find((one) => one === kindOf(answer));
  return kind === undefined ? fenced(answer) : { kind };
}

export function fenced(answer: Answer): Fenced {
  const [word, reason] = answer;
  if (kindOf(answer) !== 'fenced') throw new UnknownAnswerError(`the gate's script answered ${word}`);
  return { kind: 'fenced', reason: reason as FenceReason };
}

/** Which script has answered `OK` to a ping. */
export function scriptIn(answer: string): GateScript {
  const version = answer.split(' ')[1] ?? null;
  return { version, current: version === SCRIPT_VERSION };
}
