/**
 * How long a test waits for what has to come true, ms. It only ends a test that has failed: a machine ten times as slow,
 * with other work beside it, passes every test. What a test promises about time, it shows by the order of events or on a
 * clock of its own.
 */
export const PATIENCE_MS = 60_000;
