import { Logger } from '@nestjs/common';

/** What a deployment may choose knowingly, and what is warned about until `ALLOW_INSECURE` names it. */
export const RISKS = ['no-password', 'plain-text', 'one-replica', 'unsynced-commit'] as const;

/**
 * - no-password: a server lets in everybody who can reach it
 * - plain-text: passwords and claims cross a network readable
 * - one-replica: the loss of one broker loses claims that were answered 202
 * - unsynced-commit: a power cut at the database loses coupons that were committed
 */
export type Risk = (typeof RISKS)[number];

const logger = new Logger('Risk');

/**
 * Warns at start, once for each finding, unless `ALLOW_INSECURE` names the risk.
 *
 * @param finding the actor and what follows, such as "topic coupon_create has one replica: …". Never a secret.
 */
export function warnOfRisk(
  { allowInsecure }: { readonly allowInsecure: ReadonlySet<Risk> },
  risk: Risk,
  finding: string,
): void {
  if (!allowInsecure.has(risk)) logger.warn(`${finding} (if this is meant: ALLOW_INSECURE=${risk})`);
}
