/** One answer of the service to "what time is it". Our own instants are of `performance.now`, ms. */
export interface Sample {
  readonly sentAt: number;
  readonly receivedAt: number;
  /** The service's instant, ms since the Unix epoch. It read its clock between the two instants above. */
  readonly instant: number;
}

/** What the samples say. */
interface Reading {
  /** The service's instant minus `performance.now`, ms. */
  readonly offset: number;
  /** The offset is wrong by at most this, ms. */
  readonly error: number;
  /** When it was taken, ms of `performance.now`. */
  readonly at: number;
}

const SAMPLES = 3;
/** How fast two clocks may part: 0.1 ms in a second is a poor quartz. */
const DRIFT = 1e-4;
/** The service cuts its instant to whole ms. */
const RESOLUTION_MS = 1;

/**
 * The service's clock, read from this device. The device's own time of day is never asked, so it may be wrong. Between
 * two comparisons time flows as `performance.now` says.
 */
export class ServiceClock {
  private reading: Reading | null = null;

  /**
   * @param ask the service for its instant, ms since the Unix epoch.
   * @param monotonic ms.
   */
  constructor(
    private readonly ask: () => Promise<number>,
    private readonly monotonic: () => number,
  ) {}

  /**
   * Takes three samples, one after the other, and keeps the one with the least round trip, unless what is known already
   * is more exact.
   *
   * @throws the last error of `ask`, if no sample came.
   */
  async compare(): Promise<void> {
    let hasSample = false;
    let failure: unknown;
    for (let taken = 0; taken < SAMPLES; taken++) {
      try {
        const sentAt = this.monotonic();
        const instant = await this.ask();
        const reading = readingOf({ sentAt, receivedAt: this.monotonic(), instant });
        hasSample = true;
        // At once: over a slow network the next two may take seconds.
        if (this.reading === null || reading.error <= this.errorOf(this.reading)) this.reading = reading;
      } catch (error) {
        failure = error;
      }
    }
    if (!hasSample) throw failure;
  }

  /** What was known no longer counts: the device may have slept, while its clock stood still. */
  forget(): void {
    this.reading = null;
  }

  /** The service's instant, as well as it is known, ms; null before the first comparison. */
  now(): number | null {
    return this.reading === null ? null : this.monotonic() + this.reading.offset;
  }

  /** The instant that the service has surely reached: what opens by it never opens early. */
  surely(): number | null {
    const now = this.now();
    return now === null ? null : now - this.error;
  }

  /** How wrong {@link now} may be, ms. */
  get error(): number {
    return this.reading === null ? Infinity : this.errorOf(this.reading);
  }

  private errorOf({ error, at }: Reading): number {
    return error + (this.monotonic() - at) * DRIFT;
  }
}

/** The middle of the round trip is at most half of it away from where the service read its clock. */
export function readingOf({ sentAt, receivedAt, instant }: Sample): Reading {
  const half = (receivedAt - sentAt) / 2;
  return {
    offset: instant + RESOLUTION_MS / 2 - (sentAt + half),
    error: half + RESOLUTION_MS / 2,
    at: receivedAt,
  };
}
