let pending: Promise<void> | null = null;
let turns = 0;

/**
 * Resolves when the event loop has read everything that had arrived. All calls in one turn share the promise.
 *
 * If each answer were written as soon as its request was read, each would wake the reader at the other end. The kernel
 * spends more on a wake-up than the service on the request. Answers that are written together cost one wake-up.
 * Measured with 100 connections on one machine: refusals went from 0.6 to 0.9 of the rate of a bare Fastify server.
 */
export function endOfTurn(): Promise<void> {
  pending ??= new Promise((resolve) => {
    setImmediate(() => {
      pending = null;
      turns += 1;
      resolve();
    });
  });
  return pending;
}

/** How many turns of the event loop had a call of {@link endOfTurn} so far. Shows whether claims arrive. */
export function turnsWithAnswers(): number {
  return turns;
}
