import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { AdminCampaignsController } from './admin-campaigns.controller.js';
import { CampaignAdministration } from './campaign-administration.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { CampaignCreator } from './campaign-creator.js';
import { CampaignsController } from './campaigns.controller.js';
import { DefaultCampaign } from './default-campaign.js';

/** Makes, changes and shows campaigns, and tells the gate about them. */
@Module({
  imports: [GateWatchModule],
  providers: [CampaignCreator, CampaignAdministration, CampaignCatalogue, DefaultCampaign, ResourcePaths],
  exports: [DefaultCampaign],
})
export class CampaignsModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: CampaignsModule,
      controllers: roles.has('api') ? [CampaignsController, AdminCampaignsController] : [],
    };
  }
}
