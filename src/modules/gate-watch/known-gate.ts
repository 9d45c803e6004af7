import { type GateScript } from '../../ports/gate/issuance-gate.js';

/** What the watch knows of the gate, for readiness and metrics. */
export interface KnownGate {
  /** `unknown`: the gate row was never read. */
  readonly state: 'open' | 'fenced' | 'unknown';
  readonly epoch: number | null;
  readonly databaseAway: boolean;
  /** Why the gate could not be used at the last call, in plain words. */
  readonly gateTrouble: string | null;
  /** The script that answered the last ping; null while the gate is closed, and for a gate without one. */
  readonly script: GateScript | null;
}
