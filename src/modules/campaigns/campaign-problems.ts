import { etagOf } from '../../platform/http/input/if-match.js';
import { inputProblem } from '../../platform/http/input/input-rules.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CampaignChangeOutcome, type NotTold } from './campaign-administration.js';

/** Why a change was not made. */
export function changeProblem(
  kind: Exclude<CampaignChangeOutcome['kind'], 'done' | 'gate-not-told' | 'approval-needed'>,
): Problem {
  return kind === 'window-inverted' ? inputProblem('body', '/endsAt', 'window') : new Problem(kind);
}

/** Tells what is stored and what the gate did. With the stored version the caller can repeat the change. */
export function notTold({ kind, stored, gate }: NotTold): Problem {
  return new Problem(kind, {
    extensions: { stored: stored !== null, gate, ...(stored === null ? {} : { version: stored.version }) },
    ...(stored === null ? {} : { headers: { etag: etagOf(stored.version) } }),
  });
}
