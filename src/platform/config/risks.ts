import { Logger } from '@nestjs/common';

/** Risks that a deployment may choose to take. The service warns about each until `ALLOW_INSECURE` names it. */
export const RISKS = ['no-password', 'plain-text', 'one-replica', 'unsynced-commit'] as const;

/**
 * - no-password: a server lets in everybody who can reach it
 * - plain-text: passwords and claims can be read on the network
 * - one-replica: the loss of one broker loses claims that were answered 202
 * - unsynced-commit: a power cut at the database loses coupons that were committed
 */
export type Risk = (typeof RISKS)[number];

const logger = new Logger('Risk');

/**
 * Warns about one finding, unless `ALLOW_INSECURE` names its risk.
 *
 * @param finding the cause and its consequence, such as "topic coupon_create has one replica: …". Never a secret.
 */
export function warnOfRisk(
  { allowInsecure }: { readonly allowInsecure: ReadonlySet<Risk> },
  risk: Risk,
  finding: string,
): void {
  if (!allowInsecure.has(risk)) logger.warn(`${finding} (if this is meant: ALLOW_INSECURE=${risk})`);
}
