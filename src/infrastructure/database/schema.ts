import { AdminAuditEntity } from './entities/admin-audit.entity.js';
import { CampaignEntity } from './entities/campaign.entity.js';
import { CouponEntity } from './entities/coupon.entity.js';
import { FailedEventEntity } from './entities/failed-event.entity.js';
import { GateCutEntity, GateEntity } from './entities/gate.entity.js';
import { InitialSchema1764000000000 } from './migrations/1764000000000-initial-schema.js';

/** What both databases share. Never `synchronize`: the schema changes by migrations alone, in this order. */
export const SCHEMA = {
  entities: [CampaignEntity, CouponEntity, FailedEventEntity, GateEntity, GateCutEntity, AdminAuditEntity],
  migrations: [InitialSchema1764000000000],
  migrationsTableName: 'migrations',
  synchronize: false,
};
