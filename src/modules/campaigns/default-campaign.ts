import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { DEFAULT_CAMPAIGN_ID } from '../../domain/campaign.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { CampaignCreator } from './campaign-creator.js';

/** From one attempt to the next, ms. */
const RETRY_MS = 1_000;

/** Makes the campaign of claims without `campaignId` unless it exists, so that the first call works. */
@Injectable()
export class DefaultCampaign implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DefaultCampaign.name);
  private readonly attempts: PeriodicTask;
  private total = 0;
  private lastLogged = '';

  constructor(
    private readonly creator: CampaignCreator,
    timers: Timers,
  ) {
    this.attempts = new PeriodicTask(timers, RETRY_MS, () => this.tryAgain());
  }

  /**
   * While the database is away this does not stop the start, and the campaign is made later.
   * @throws DatabaseError of any other kind than `infrastructure`: an operator sees a process that ends, and starts it
   * again.
   */
  async ensure(total: number): Promise<void> {
    this.total = total;
    try {
      await this.make();
    } catch (error) {
      if (!isAway(error)) throw error;
      this.logger.warn('the campaign default is made as soon as the database answers');
      this.attempts.start();
    }
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.attempts.stop();
  }

  /**
   * Never rejects. Tries again after every DatabaseError: the process has started and no other part of it makes the
   * campaign. A server that comes back may be out of memory for a while.
   */
  private async tryAgain(): Promise<void> {
    try {
      await this.make();
    } catch (error) {
      const { message } = error as Error;
      // Log each reason once. `ensure` has logged that the database is away.
      if (!isAway(error) && message !== this.lastLogged) {
        this.lastLogged = message;
        this.logger.error(`the campaign default cannot be made: ${message}`);
      }
      if (error instanceof DatabaseError) return;
    }
    this.attempts.pause();
  }

  private async make(): Promise<void> {
    await this.creator.createIfMissing(DEFAULT_CAMPAIGN_ID, 'default', this.total);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === 'infrastructure';
}
