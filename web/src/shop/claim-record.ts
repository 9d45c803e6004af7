import { type OwnClaim } from './claim-steps.ts';

/** What a browser keeps of one person's claim in one campaign. All tabs share it. */
export interface ClaimRecord {
  /** The Idempotency-Key of every try: however often it is sent, it makes one claim. */
  readonly key: string;
  /** When the button was pressed, by the service's clock, ms; null while no click waits for its outcome. */
  readonly pressedAt: number | null;
  readonly claim: OwnClaim | null;
  /** The code of the refusal that ended the last click; null without one. */
  readonly refusal: string | null;
}

/** Where records are kept: `localStorage`, or a stand-in where a browser forbids it. */
export interface RecordStore {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

/** A click that is older than this is not taken up again, ms: nobody expects it any more. */
const OLDEST_CLICK_MS = 600_000;

export class ClaimRecords {
  /**
   * @param name of the record: campaign and person.
   * @param makeKey makes a new Idempotency-Key.
   */
  constructor(
    private readonly store: RecordStore,
    readonly name: string,
    private readonly makeKey: () => string,
  ) {}

  read(): ClaimRecord | null {
    try {
      const text = this.store.getItem(this.name);
      const found = text === null ? null : (JSON.parse(text) as Partial<ClaimRecord> | null);
      if (typeof found?.key !== 'string') return null;
      const { key, pressedAt = null, claim = null, refusal = null } = found;
      return { key, pressedAt, claim, refusal };
    } catch {
      return null;
    }
  }

  /** The person has pressed the button. A record that is there keeps its key. */
  press(at: number): ClaimRecord {
    const known = this.read();
    return this.write({
      key: known?.key ?? this.makeKey(),
      pressedAt: at,
      claim: known?.claim ?? null,
      refusal: null,
    });
  }

  accept(claim: OwnClaim): void {
    this.settle({ claim });
  }

  refuse(refusal: string): void {
    this.settle({ refusal });
  }

  /** The person no longer waits. */
  giveUp(): void {
    this.settle({});
  }

  private settle(change: Partial<ClaimRecord>): void {
    const known = this.read() ?? { key: this.makeKey(), pressedAt: null, claim: null, refusal: null };
    this.write({ ...known, refusal: null, ...change, pressedAt: null });
  }

  private write(record: ClaimRecord): ClaimRecord {
    try {
      this.store.setItem(this.name, JSON.stringify(record));
    } catch {
      // Full or forbidden. The claim goes on, and a reload does not know of it.
    }
    return record;
  }
}

/** Did a click lose its page before its outcome? @param now by the service's clock, ms. */
export function isUnfinished(record: ClaimRecord | null, now: number): record is ClaimRecord {
  const { pressedAt = null, claim = null } = record ?? {};
  return pressedAt !== null && claim === null && now - pressedAt < OLDEST_CLICK_MS;
}
