/**
 * The budget of one request, ms; comments and decisions call it D. The api spends it on the gate, then the log, then
 * the fallback and what else it has to know before a 202. After D the api makes no claim of this request durable, which
 * the sweeper relies on, and promises none. A builder waits for W (`GateBuilder.quiesceMs`) after the drop, and W > D.
 */
export const CLAIM_DEADLINE_MS = 2_000;
/** How long a claim may wait for its turn at the gate, ms. With a slow gate on top, no time is left for the log. */
export const GATE_TURN_MS = 800;
export const GATE_TIMEOUT_MS = 800;
export const PUBLISH_TIMEOUT_MS = 700;
/** How long a durable claim waits for a read of the gate row, ms. After that the database counts as silent. */
export const CONFIRM_TIMEOUT_MS = 500;
