import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { EndedCampaigns } from './ended-campaigns.js';
import { LeavingCampaigns } from './leaving-campaigns.js';

/** Only the schedule. The database's clock decides what is due. */
@Injectable()
export class CampaignsCron extends ScheduledJob {
  constructor(ended: EndedCampaigns, leaving: LeavingCampaigns, clock: Clock) {
    const round = async (signal: AbortSignal) => {
      await ended.close(signal);
      await leaving.leave(signal);
    };
    super('the end of campaigns', round, new Logger(CampaignsCron.name), clock);
  }

  /** Every 10 s, between drain and sweep. Never rejects. */
  @Cron('2/10 * * * * *', { name: 'campaign-ends', waitForCompletion: true })
  end(): Promise<void> {
    return this.run();
  }
}
