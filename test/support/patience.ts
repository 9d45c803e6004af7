import { type HttpTimeouts } from '../../src/platform/http/server/fastify.js';

/**
 * How long a test waits for a condition, ms. It only ends a test that has failed: a busy machine that is ten times as
 * slow passes every test. A test that checks times uses the order of events or its own clock.
 */
export const PATIENCE_MS = 60_000;

/**
 * For a server in the test's own process: while that stalls, requests are not sent and answers are not taken, which is no
 * slow caller's doing.
 */
export const PATIENT_HTTP: Partial<HttpTimeouts> = { headers: PATIENCE_MS, request: PATIENCE_MS, write: PATIENCE_MS };
