import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { AdminCampaignsController } from './admin-campaigns.controller.js';
import { CampaignDeskController } from './campaign-desk.controller.js';
import { CampaignAdministration } from './campaign-administration.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { CampaignApprovals } from './campaign-approvals.js';
import { CampaignConsequencesReader } from './campaign-consequences.js';
import { CampaignCreator } from './campaign-creator.js';
import { CampaignDesk } from './campaign-desk.js';
import { CampaignDraftsController } from './campaign-drafts.controller.js';
import { CampaignDrafts } from './campaign-drafts.js';
import { CampaignsController } from './campaigns.controller.js';
import { CampaignsCron } from './campaigns.cron.js';
import { DefaultCampaign } from './default-campaign.js';
import { EndedCampaigns } from './ended-campaigns.js';
import { LeavingCampaigns } from './leaving-campaigns.js';

/** Makes, changes and shows campaigns, and tells the gate about them. Closes those that are over, and lets them leave it. */
@Module({
  imports: [GateWatchModule],
  providers: [
    CampaignCreator,
    CampaignAdministration,
    CampaignCatalogue,
    CampaignDrafts,
    CampaignDesk,
    CampaignConsequencesReader,
    CampaignApprovals,
    DefaultCampaign,
    EndedCampaigns,
    LeavingCampaigns,
    ResourcePaths,
  ],
  exports: [DefaultCampaign],
})
export class CampaignsModule {
  /** The role `retry` has the schedule, as of failed events; the role `api` serves the calls. */
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: CampaignsModule,
      providers: roles.has('retry') ? [CampaignsCron] : [],
      controllers: roles.has('api')
        ? [CampaignsController, CampaignDeskController, AdminCampaignsController, CampaignDraftsController]
        : [],
    };
  }
}
