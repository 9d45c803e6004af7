/** One unit of a value, ms. Two values that differ by less may be counted as one. */
const UNIT_MS = 0.01;
/** Each power of two has this many buckets, so a value is off by 1/128 of itself at most. */
const PER_OCTAVE = 128;
const OCTAVES = 24;
/** The largest value, in units: about 6 hours. Longer ones count as this. */
const LARGEST = 2 ** 31 - 1;

/** Counts times in buckets whose width grows with the value. Two of them add up, wherever they were filled. */
export class Histogram {
  private constructor(
    private readonly counts: Uint32Array,
    private total: number,
    /** ms */
    private largest: number,
  ) {}

  static empty(): Histogram {
    return new Histogram(new Uint32Array((OCTAVES + 1) * PER_OCTAVE), 0, 0);
  }

  /** What another thread has sent as {@link toMessage}. */
  static fromMessage({ counts, total, largest }: HistogramMessage): Histogram {
    return new Histogram(counts, total, largest);
  }

  /** @param ms not negative. */
  record(ms: number): void {
    this.counts[indexOf(ms)]! += 1;
    this.total += 1;
    if (ms > this.largest) this.largest = ms;
  }

  add(other: Histogram): void {
    for (let at = 0; at < this.counts.length; at++) this.counts[at]! += other.counts[at]!;
    this.total += other.total;
    this.largest = Math.max(this.largest, other.largest);
  }

  get count(): number {
    return this.total;
  }

  /** ms, exactly. */
  get max(): number {
    return this.largest;
  }

  /** The time that this part (0 to 1) of all values does not exceed, ms; NaN if there are none. */
  percentile(part: number): number {
    const wanted = Math.max(1, Math.ceil(this.total * part));
    let seen = 0;
    for (let at = 0; at < this.counts.length; at++) {
      seen += this.counts[at]!;
      if (seen >= wanted) return Math.min(upperEdge(at), this.largest);
    }
    return NaN;
  }

  toMessage(): HistogramMessage {
    return { counts: this.counts, total: this.total, largest: this.largest };
  }
}

/** A histogram on its way between threads. */
export interface HistogramMessage {
  readonly counts: Uint32Array;
  readonly total: number;
  readonly largest: number;
}

function indexOf(ms: number): number {
  const units = Math.min(LARGEST, Math.round(ms / UNIT_MS));
  const shift = shiftOf(units);
  return shift * PER_OCTAVE + (units >> shift);
}

/** By how many bits a value is cut, so that it keeps 8 of them. */
function shiftOf(units: number): number {
  return Math.max(0, 24 - Math.clz32(units));
}

/** The largest value of this bucket, ms. */
function upperEdge(index: number): number {
  const shift = Math.max(0, Math.floor(index / PER_OCTAVE) - 1);
  return ((index - shift * PER_OCTAVE + 1) * 2 ** shift - 1) * UNIT_MS;
}
