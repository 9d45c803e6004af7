import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { Database } from '../../ports/database/database.js';
import { CampaignAdministration } from './campaign-administration.js';

/** Campaigns that one round closes. */
const AT_ONCE = 50;

/**
 * Closes campaigns whose window was over for `CLOSE_AFTER_END`. Until then an operator can move the end, and sell on. A
 * paused campaign is left alone: an operator has paused it, and has to decide.
 */
@Injectable()
export class EndedCampaigns {
  constructor(
    private readonly database: Database,
    private readonly administration: CampaignAdministration,
    private readonly config: AppConfig,
  ) {}

  /**
   * One round. Several processes may run it at once: the row's lock lets one of them close a campaign.
   * @throws DatabaseError
   */
  async close(signal?: AbortSignal): Promise<void> {
    const { closeAfterEndMs } = this.config;
    if (closeAfterEndMs === null) return;
    const { ended, before } = await this.database.read(async (unit) => {
      const before = (await unit.now()) - closeAfterEndMs;
      return { before, ended: await unit.campaigns.listEnded(before, '', AT_ONCE) };
    });
    for (const { id } of ended) {
      if (signal?.aborted === true) return;
      await this.administration.closeEnded(id, before);
    }
  }
}
