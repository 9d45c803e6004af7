import { type GateRow } from '../database/gate-row-store.js';
import { type GatePass } from './issuance-gate.js';

/** What the gate asks for, as its row says; null while a rebuild is under way. */
export function passOf({ epoch, fence }: GateRow): GatePass | null {
  return fence === null ? null : { epoch, fence };
}
