import { Inject, Injectable } from '@nestjs/common';
import { CampaignAdministration } from './campaign-administration.js';

export const DEFAULT_CAMPAIGN_ID = 'default';

/** The campaign that a claim without `campaignId` is for; made when there is none yet, so that the first call works. */
@Injectable()
export class DefaultCampaign {
  constructor(@Inject(CampaignAdministration) private readonly administration: CampaignAdministration) {}

  /**
   * Before the gate is rebuilt: the opening transaction then knows it like any other.
   * @throws DatabaseError
   */
  ensure(total: number): Promise<void> {
    return this.administration.createIfMissing(DEFAULT_CAMPAIGN_ID, 'default', total);
  }
}
