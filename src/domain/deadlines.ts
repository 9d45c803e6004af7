/**
 * The budget of one request, ms; comments and decisions call it D. It is spent in this order: the gate, the log, and
 * with the rest the fallback, and what else has to be known before a promise; after D no claim of this request can be made
 * durable any more, which is what the sweeper counts on, and none is promised. W, for which a builder waits after the drop
 * (`GateBuilder.quiesceMs`), is above it.
 */
export const CLAIM_DEADLINE_MS = 2_000;
/** How long a claim may wait for its turn at the gate: with a gate that takes its time, too, nothing is left for the log. */
export const GATE_TURN_MS = 800;
export const GATE_TIMEOUT_MS = 800;
export const PUBLISH_TIMEOUT_MS = 700;
