import { signal } from '@preact/signals';
import { waitAwake } from './browser.ts';
import { stepAfter } from './claim-steps.ts';
import { type Entry } from './entry.ts';

/** Passes a campaign's challenge before the sale, so that nobody waits for it in the second in which it starts. */
export class EntryPreparation {
  readonly state = signal<'none' | 'working' | 'ready'>('none');
  private working: Entry | null = null;
  /** What another try would not change; the claim itself will ask for it, and say what is wrong. */
  private refused: Entry | null = null;

  /**
   * @param renew asks for a new token of the user; false: none came.
   * @param ended ends it.
   */
  constructor(
    private readonly renew: () => Promise<boolean>,
    private readonly ended: AbortSignal,
  ) {}

  /** Does nothing while it works, and while the entry is there. */
  async prepare(entry: Entry): Promise<void> {
    if (entry === this.working || entry === this.refused || entry.token !== null) return;
    this.working = entry;
    this.state.value = 'working';
    const isPassed = await this.pass(entry);
    if (this.working !== entry) return;
    this.working = null;
    if (!isPassed) this.refused = entry;
    this.state.value = isPassed ? 'ready' : 'none';
  }

  /** The same user has another token. */
  allowAgain(): void {
    this.refused = null;
  }

  /** The user is another one. */
  forget(): void {
    this.working = this.refused = null;
    this.state.value = 'none';
  }

  private async pass(entry: Entry): Promise<boolean> {
    let isRenewed = false;
    for (let attempt = 1; this.working === entry && !this.ended.aborted; attempt++) {
      const entered = await entry.enter(false);
      if ('token' in entered) return true;
      if (entered.answer.code === 'unauthorized' && !isRenewed) {
        isRenewed = true;
        if (await this.renew()) continue;
      }
      const step = stepAfter(entered.answer, attempt, Math.random());
      if (step.kind !== 'again') return false;
      await waitAwake(step.delayMs, this.ended);
    }
    return false;
  }
}
