import { IssuanceGate } from './issuance-gate.js';

/**
 * The adapter's gate, as infrastructure provides it. Features inject `IssuanceGate`, which is the `WatchedGate` around it;
 * the watch itself asks this one, because it judges its own pings.
 */
export abstract class UnwatchedGate extends IssuanceGate {}
