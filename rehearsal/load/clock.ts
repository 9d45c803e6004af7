/** ms on the machine's monotonic clock, the same in every thread. `performance.now()` begins with its thread. */
export const now: () => number = (() => {
  let offset = Infinity;
  // Between the two readings time passes, and a thread may be held up there: the least of some differences is the best.
  for (let round = 0; round < 20; round++) {
    const mine = performance.now();
    offset = Math.min(offset, Number(process.hrtime.bigint()) / 1e6 - mine);
  }
  return () => performance.now() + offset;
})();
