import { type ClaimRecords } from './claim-record.ts';
import { type Answer, type OwnClaim, type Reason, stepAfter } from './claim-steps.ts';

/**
 * What a person sees of the own claim.
 *
 * | state      | leads to                                                             |
 * | ---------- | -------------------------------------------------------------------- |
 * | `none`     | `asking`, when the button is pressed                                  |
 * | `asking`   | `accepted` (202), `refused`, `waiting` (ask again), `proving` (entry) |
 * | `proving`  | `asking`, with a token of the entry                                   |
 * | `waiting`  | `asking` after a while; `none`, when the person no longer waits       |
 * | `accepted` | `issued`, `failed`, `gone`, `signed-out`                              |
 * | `signed-out` | `accepted`, with a token that has not ended                          |
 * | `failed`   | `issued`, after an operator has seen to it                            |
 * | `refused`  | `asking`, when the button is pressed again                            |
 */
export type ClaimView =
  | { readonly kind: 'none' | 'asking' | 'proving' }
  | { readonly kind: 'waiting'; readonly reason: Reason; readonly until: number }
  | { readonly kind: 'accepted' | 'failed' | 'gone' | 'signed-out'; readonly claim: OwnClaim }
  | { readonly kind: 'issued'; readonly claim: OwnClaim; readonly code: string | null; readonly issuedAt: string }
  | { readonly kind: 'refused'; readonly code: string; readonly claim?: OwnClaim | undefined };

/** What became of a claim. */
export type Status =
  | { readonly kind: 'PENDING' | 'FAILED'; readonly claim: OwnClaim }
  | { readonly kind: 'ISSUED'; readonly claim: OwnClaim; readonly code: string | null; readonly issuedAt: string }
  | { readonly kind: 'absent' }
  /** The sign-in has ended, so the service shows nothing of the claim. */
  | { readonly kind: 'signed-out' }
  /** The service does not say. */
  | { readonly kind: 'unknown'; readonly retryAfter?: number | undefined };

/** What a claim needs of the world. */
export interface ClaimWorld {
  /** Sends the claim, with the token of the entry if there is one. */
  claim(key: string): Promise<Answer>;
  status(claim: OwnClaim | null): Promise<Status>;
  /** Gets a token of the entry. @param isStale the one that is kept was refused. */
  enter(isStale: boolean): Promise<{ readonly token: string } | { readonly answer: Answer }>;
  /** One tab of the browser at a time. */
  inTurn(work: () => Promise<void>): Promise<void>;
  /** Resolves after the time, or earlier when something says that it is worth a try, such as the network's return. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  monotonic(): number;
  /** The service's clock, ms. */
  now(): number;
  random(): number;
  show(view: ClaimView): void;
}

/** Between two looks at a claim that is not issued yet, ms. The last one stays. */
const LOOKS_MS = [150, 300, 600, 1_000, 2_000, 3_000, 5_000];
const LOOK_AT_FAILED_MS = 30_000;
/** Tokens of the entry that one click may get. */
const MAX_ENTRIES = 3;

/** One person's claim in one campaign: one click, one key, one claim, through every failure on the way. */
export class ClaimRun {
  private running: AbortController | null = null;

  constructor(
    private readonly world: ClaimWorld,
    private readonly records: ClaimRecords,
  ) {}

  /** The person presses the button. Pressing it again while it works changes nothing. */
  press(): void {
    if (this.running !== null) return;
    this.records.press(this.world.now());
    this.resume();
  }

  /** Goes on with what the record says: a click whose page was left, or a claim that another tab has made. */
  resume(): void {
    this.stop();
    const running = new AbortController();
    this.running = running;
    this.goOn(running.signal)
      .catch(() => this.world.show({ kind: 'refused', code: 'page-failed' }))
      .finally(() => {
        if (this.running === running) this.running = null;
      });
  }

  /** The person no longer waits. */
  giveUp(): void {
    this.stop();
    this.records.giveUp();
    this.world.show({ kind: 'none' });
  }

  /** Ends what runs, without a word in the record: the page is left, or the person has another name now. */
  stop(): void {
    this.running?.abort();
    this.running = null;
  }

  private async goOn(signal: AbortSignal): Promise<void> {
    const { world, records } = this;
    if (!records.read()?.claim) {
      world.show({ kind: 'asking' });
      await world.inTurn(() => this.ask(signal));
    }
    if (signal.aborted) return;
    const record = records.read();
    if (record?.claim) await this.follow(record.claim, signal);
    else if (record?.refusal) this.showRefusal(record.refusal);
    else world.show({ kind: 'none' });
  }

  private refusedClaim: OwnClaim | undefined;
  private showRefusal(code: string): void {
    const claim = code === 'already-claimed' ? this.refusedClaim : undefined;
    this.world.show({ kind: 'refused', code, ...(claim === undefined ? {} : { claim }) });
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const { world, records } = this;
    let entries = 0;
    for (let attempt = 1; !signal.aborted; attempt++) {
      // Another tab may have got an outcome while this one waited.
      const record = records.read();
      if (record === null || record.claim !== null || record.pressedAt === null) return;
      world.show({ kind: 'asking' });
      let answer = await world.claim(record.key);
      if (signal.aborted) return;
      let step = stepAfter(answer, attempt, world.random());
      if (step.kind === 'enter') {
        world.show({ kind: 'proving' });
        entries += 1;
        const entered = await world.enter(entries > 1);
        if (signal.aborted) return;
        if ('token' in entered) {
          if (entries <= MAX_ENTRIES) continue;
          step = { kind: 'refused', code: 'entry-required' };
        } else {
          answer = entered.answer;
          step = stepAfter(answer, attempt, world.random());
        }
      }
      if (step.kind === 'accepted') return records.accept(step.claim);
      // With its id it is surely this person's own, made elsewhere.
      if (step.kind === 'refused' && step.claim?.claimId !== undefined) return records.accept(step.claim);
      if (step.kind !== 'again') {
        if (step.kind === 'refused') this.refusedClaim = step.claim;
        return records.refuse(step.kind === 'refused' ? step.code : 'entry-required');
      }
      world.show({ kind: 'waiting', reason: step.reason, until: world.monotonic() + step.delayMs });
      await world.wait(step.delayMs, signal);
    }
  }

  /** Looks until the coupon is there. A claim that got its 202 becomes one by itself. */
  private async follow(claim: OwnClaim, signal: AbortSignal): Promise<void> {
    const { world } = this;
    world.show({ kind: 'accepted', claim });
    let absences = 0;
    for (let look = 0; !signal.aborted; look++) {
      const status = await world.status(claim);
      if (signal.aborted) return;
      let pause = LOOKS_MS[Math.min(look, LOOKS_MS.length - 1)] as number;
      if (status.kind === 'ISSUED') {
        const { code, issuedAt } = status;
        return world.show({ kind: 'issued', claim: { ...claim, ...status.claim }, code, issuedAt });
      }
      if (status.kind === 'signed-out') return world.show({ kind: 'signed-out', claim });
      if (status.kind === 'FAILED') {
        world.show({ kind: 'failed', claim });
        pause = LOOK_AT_FAILED_MS;
      } else if (status.kind === 'absent') {
        // One look may have been at a moment of change; two are an operator who discarded the claim.
        absences += 1;
        if (absences >= 2) return world.show({ kind: 'gone', claim });
      } else if (status.kind === 'unknown') {
        pause = Math.max(pause, (status.retryAfter ?? 1) * 1_000);
      }
      await world.wait(pause * (0.75 + world.random() / 2), signal);
    }
  }
}
