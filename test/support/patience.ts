import { type HttpTimeouts } from '../../src/platform/http/server/fastify.js';

/**
 * How long a test waits for what has to come true, ms. It only ends a test that has failed: a machine ten times as slow,
 * with other work beside it, passes every test. What a test promises about time, it shows by the order of events or on a
 * clock of its own.
 */
export const PATIENCE_MS = 60_000;

/**
 * For a server in the test's own process: while that stalls, requests are not sent and answers are not taken, which is no
 * slow caller's doing.
 */
export const PATIENT_HTTP: Partial<HttpTimeouts> = { headers: PATIENCE_MS, request: PATIENCE_MS, write: PATIENCE_MS };
