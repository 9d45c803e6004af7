import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { DatabaseError } from '../persistence/database-error.js';
import { CampaignAdministration } from './campaign-administration.js';

export const DEFAULT_CAMPAIGN_ID = 'default';

/** How long after a failure it is tried again, ms. */
const RETRY_MS = 1_000;

/** The campaign that a claim without `campaignId` is for; made when there is none yet, so that the first call works. */
@Injectable()
export class DefaultCampaign implements BeforeApplicationShutdown {
  private readonly logger = new Logger(DefaultCampaign.name);
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private attempt: Promise<void> = Promise.resolve();

  constructor(@Inject(CampaignAdministration) private readonly administration: CampaignAdministration) {}

  /**
   * To be called before the gate is rebuilt: the opening transaction then knows it like any other. A database that is
   * away keeps nobody from starting; the campaign is made when it comes.
   * @throws DatabaseError that is not of the kind `infrastructure`
   */
  async ensure(total: number): Promise<void> {
    if (await this.made(total)) return;
    this.logger.warn('the campaign default is made as soon as the database answers');
    this.tryLater(total);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.attempt;
  }

  private tryLater(total: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.attempt = this.made(total).then(
        (made) => (made ? undefined : this.tryLater(total)),
        (error: unknown) => this.logger.error(`the campaign default cannot be made: ${(error as Error).message}`),
      );
    }, RETRY_MS);
  }

  private async made(total: number): Promise<boolean> {
    try {
      await this.administration.createIfMissing(DEFAULT_CAMPAIGN_ID, 'default', total);
      return true;
    } catch (error) {
      if (error instanceof DatabaseError && error.kind === 'infrastructure') return false;
      throw error;
    }
  }
}
