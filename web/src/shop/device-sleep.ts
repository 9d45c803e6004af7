/** Two clocks of a device that part by more than this have slept, or one was set, ms. */
const SLEPT_MS = 1_000;

/** The device's time of day tells that it has slept: then its other clock may have stood still. */
export class DeviceSleep {
  private apart: number;

  /** @param wall the time of day, ms. @param monotonic a clock that nobody sets, ms. */
  constructor(
    private readonly wall: () => number,
    private readonly monotonic: () => number,
  ) {
    this.apart = wall() - monotonic();
  }

  /** Since it was asked before. */
  hasSlept(): boolean {
    const before = this.apart;
    this.apart = this.wall() - this.monotonic();
    return Math.abs(this.apart - before) > SLEPT_MS;
  }
}
