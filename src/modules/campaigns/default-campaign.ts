import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { DEFAULT_CAMPAIGN_ID } from '../../domain/campaign.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { CampaignAdministration } from './campaign-administration.js';

/** How long after a failure it is tried again, ms. */
const RETRY_MS = 1_000;

/** The campaign that a claim without `campaignId` is for; made when there is none yet, so that the first call works. */
@Injectable()
export class DefaultCampaign implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DefaultCampaign.name);
  private readonly attempts: PeriodicTask;
  private total = 0;
  private lastSaid = '';

  constructor(
    private readonly administration: CampaignAdministration,
    timers: Timers,
  ) {
    this.attempts = new PeriodicTask(timers, RETRY_MS, () => this.tryAgain());
  }

  /**
   * A database that is away does not stop the start; the campaign is made when it comes.
   * @throws DatabaseError that is not of the kind `infrastructure`: a start that ends is seen, and tried again
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
   * Never rejects. Whatever the database refuses it with, it is tried again: the process has started and nobody else
   * makes the campaign, and a server that comes back may be out of memory for a while.
   */
  private async tryAgain(): Promise<void> {
    try {
      await this.make();
    } catch (error) {
      const { message } = error as Error;
      // Once, not with every attempt; and a database that is away has been spoken of.
      if (!isAway(error) && message !== this.lastSaid) {
        this.lastSaid = message;
        this.logger.error(`the campaign default cannot be made: ${message}`);
      }
      if (error instanceof DatabaseError) return;
    }
    this.attempts.pause();
  }

  private async make(): Promise<void> {
    await this.administration.createIfMissing(DEFAULT_CAMPAIGN_ID, 'default', this.total);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof DatabaseError && error.kind === 'infrastructure';
}
