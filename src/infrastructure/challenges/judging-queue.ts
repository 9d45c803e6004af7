import { ChallengeBusyError, type ChallengeVerdict } from '../../ports/entry/challenge-verifier.js';

/** Answers that may wait. The last of them waits some seconds, also where each one before it takes its whole time. */
const MAX_WAITING = 200;

/** Judges so many answers at a time. The others wait, in the order in which they came. */
export class JudgingQueue {
  private readonly waiting: (() => void)[] = [];
  private free: number;

  constructor(atOnce: number) {
    this.free = atOnce;
  }

  /** @throws ChallengeBusyError when too many wait. */
  async add(judge: () => Promise<ChallengeVerdict>): Promise<ChallengeVerdict> {
    if (this.free > 0) this.free -= 1;
    else await this.turn();
    try {
      return await judge();
    } finally {
      // The next one takes over the place.
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) throw new ChallengeBusyError(`${MAX_WAITING} answers wait`);
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
