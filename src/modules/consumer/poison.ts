import { type ClaimEvent, type PoisonCode } from '../../domain/claim.js';
import { type LogRecord } from '../../ports/log/claim-log.js';

/** A message that can never become a coupon as it is. */
export interface Poison {
  readonly record: LogRecord;
  /** null when it could not be read. */
  readonly event: ClaimEvent | null;
  /** Nothing proves that this installation has written it. */
  readonly unsigned: boolean;
  readonly code: PoisonCode;
  readonly reason: string;
}
