import { AdminAuditEntity } from './entities/admin-audit.entity.js';
import { ApprovalEntity } from './entities/approval.entity.js';
import { ApiKeyEntity } from './entities/api-key.entity.js';
import { CampaignCreationEntity } from './entities/campaign-creation.entity.js';
import { CampaignDraftEntity } from './entities/campaign-draft.entity.js';
import { CampaignEntity } from './entities/campaign.entity.js';
import { CouponEntity } from './entities/coupon.entity.js';
import { FailedEventEntity } from './entities/failed-event.entity.js';
import { GateCutEntity, GateEntity } from './entities/gate.entity.js';
import { InstallationKeyEntity } from './entities/installation-key.entity.js';
import { MoveEntity } from './entities/move.entity.js';
import { RefusalEntity } from './entities/refusal.entity.js';
import { InitialSchema1764000000000 } from './migrations/1764000000000-initial-schema.js';
import { CampaignCreations1764100000000 } from './migrations/1764100000000-campaign-creations.js';
import { CampaignMilestones1764200000000 } from './migrations/1764200000000-campaign-milestones.js';
import { Installation1765000000000 } from './migrations/1765000000000-installation.js';
import { FailedEventsOverYears1765100000000 } from './migrations/1765100000000-failed-events-over-years.js';
import { CampaignsAtGate1765200000000 } from './migrations/1765200000000-campaigns-at-gate.js';
import { Moves1765300000000 } from './migrations/1765300000000-moves.js';
import { ClosedEpoch1765310000000 } from './migrations/1765310000000-closed-epoch.js';
import { ApiKeys1766000000000 } from './migrations/1766000000000-api-keys.js';
import { WiderUserIds1766100000000 } from './migrations/1766100000000-wider-user-ids.js';
import { SigningKeys1766200000000 } from './migrations/1766200000000-signing-keys.js';
import { Entry1766300000000 } from './migrations/1766300000000-entry.js';
import { CouponsInOrder1766400000000 } from './migrations/1766400000000-coupons-in-order.js';
import { Refusals1766500000000 } from './migrations/1766500000000-refusals.js';
import { CampaignDrafts1766600000000 } from './migrations/1766600000000-campaign-drafts.js';
import { Approvals1766700000000 } from './migrations/1766700000000-approvals.js';
import { Sessions1766800000000 } from './migrations/1766800000000-sessions.js';
import { AuditByTime1766900000000 } from './migrations/1766900000000-audit-by-time.js';

/** What both databases share. Never `synchronize`: the schema changes by migrations alone, in this order. */
export const SCHEMA = {
  entities: [
    CampaignEntity,
    CampaignCreationEntity,
    CouponEntity,
    FailedEventEntity,
    GateEntity,
    GateCutEntity,
    AdminAuditEntity,
    MoveEntity,
    ApiKeyEntity,
    InstallationKeyEntity,
    RefusalEntity,
    CampaignDraftEntity,
    ApprovalEntity,
  ],
  migrations: [
    InitialSchema1764000000000,
    CampaignCreations1764100000000,
    CampaignMilestones1764200000000,
    Installation1765000000000,
    FailedEventsOverYears1765100000000,
    CampaignsAtGate1765200000000,
    Moves1765300000000,
    ClosedEpoch1765310000000,
    ApiKeys1766000000000,
    WiderUserIds1766100000000,
    SigningKeys1766200000000,
    Entry1766300000000,
    CouponsInOrder1766400000000,
    Refusals1766500000000,
    CampaignDrafts1766600000000,
    Approvals1766700000000,
    Sessions1766800000000,
    AuditByTime1766900000000,
  ],
  migrationsTableName: 'migrations',
  synchronize: false,
};
