import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ChallengesModule } from '../infrastructure/challenges/challenges.module.js';
import { InfrastructureModule } from '../infrastructure/infrastructure.module.js';
import { ApprovalsModule } from '../modules/approvals/approvals.module.js';
import { AuditModule } from '../modules/audit/audit.module.js';
import { BackupModule } from '../modules/backup/backup.module.js';
import { CampaignsModule } from '../modules/campaigns/campaigns.module.js';
import { ConsumerModule } from '../modules/consumer/consumer.module.js';
import { CouponsModule } from '../modules/coupons/coupons.module.js';
import { EntryModule } from '../modules/entry/entry.module.js';
import { HealthModule } from '../modules/health/health.module.js';
import { IssuanceModule } from '../modules/issuance/issuance.module.js';
import { KeysModule } from '../modules/keys/keys.module.js';
import { LiveModule } from '../modules/live/live.module.js';
import { RecoveryModule } from '../modules/recovery/recovery.module.js';
import { RetryModule } from '../modules/retry/retry.module.js';
import { SearchModule } from '../modules/search/search.module.js';
import { ServiceInfoModule } from '../modules/service-info/service-info.module.js';
import { SweeperModule } from '../modules/sweeper/sweeper.module.js';
import { SystemModule } from '../modules/system/system.module.js';
import { ConfigModule } from '../platform/config/config.module.js';
import { type AppConfig } from '../platform/config/env.js';
import { TokensModule } from '../platform/identity/tokens/tokens.module.js';
import { AdminListener } from '../platform/http/server/admin-listener.js';

/** The whole service. Read the imports from top to bottom: a claim travels in this order. */
@Module({})
export class AppModule {
  /**
   * @param config decides the adapters (profile) and what this process runs (roles).
   * @param adminListener the second port; the start opens it.
   */
  static for(config: AppConfig, adminListener?: AdminListener): DynamicModule {
    const { roles } = config;
    const live = LiveModule.for(roles);
    return {
      module: AppModule,
      providers: adminListener === undefined ? [] : [{ provide: AdminListener, useValue: adminListener }],
      imports: [
        ConfigModule.for(config),
        InfrastructureModule.for(config),
        TokensModule.for(config),
        ChallengesModule,
        KeysModule.for(roles),
        ApprovalsModule.for(roles),
        CampaignsModule.for(roles),
        EntryModule.for(roles),
        IssuanceModule.for(roles),
        ConsumerModule.for(roles),
        // Once for all modules: each further one would run every schedule of the process once more.
        ...(roles.has('retry') ? [ScheduleModule.forRoot()] : []),
        RetryModule.for(roles),
        SweeperModule.for(roles),
        RecoveryModule,
        AuditModule.for(roles),
        CouponsModule.for(roles),
        SearchModule.for(roles),
        live,
        // The servers of the distributed profile have their own tools for backups.
        ...(config.profile === 'embedded' ? [BackupModule.for(roles)] : []),
        ServiceInfoModule.for(roles),
        HealthModule,
        ...(roles.has('api') ? [SystemModule.beside(live)] : []),
      ],
    };
  }
}
