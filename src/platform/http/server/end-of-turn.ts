let pending: Promise<void> | null = null;
let turns = 0;

/**
 * Resolves when the event loop has read everything that had arrived, for all callers of this turn at once.
 *
 * Answers that are written one by one, each as soon as its request was read, wake the reader at the other end one by
 * one; the kernel spends more on that than the service on the request. Written together they cost it one wake-up.
 * Measured with 100 connections on one machine: refusals went from 0.6 to 0.9 of a bare Fastify server's rate.
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

/** In how many turns of the event loop somebody has waited for its end so far: how busy claims keep the process. */
export function turnsWithAnswers(): number {
  return turns;
}
