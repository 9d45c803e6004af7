/** This machine's two clocks, ms. Neither is enough alone: one stops while a machine is suspended, the other is set. */
export class MachineClock {
  monotonic(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }
}
