import { type GateEpoch } from '../database/gate-row-store.js';
import { type GatePass } from './issuance-gate.js';

/** The pass that the gate row names; null while a rebuild is under way. */
export function passOf({ epoch, fence, installation }: GateEpoch): GatePass | null {
  return fence === null ? null : { epoch, fence, installation };
}
