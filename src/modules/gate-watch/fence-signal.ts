import { type FenceReason } from '../../ports/gate/issuance-gate.js';

/** What the gate says of its own memory; or `unexplained`, it shows coupons that the database does not have. */
export type FoundFence = FenceReason | 'unexplained';

/**
 * Why the watch calls the recovery: a fence that was found; or `not-open`, the row shows this epoch without a fence; or
 * `epoch-went-back`, the row is older than this epoch, which the watch has seen before.
 */
export type FenceSignal = FoundFence | 'not-open' | 'epoch-went-back';

export type FenceListener = (seenEpoch: number, signal: FenceSignal) => void;
