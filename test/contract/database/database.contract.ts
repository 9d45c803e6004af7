import { describe } from '@jest/globals';
import { describeAdminAuditStore } from './admin-audit-store.contract.js';
import { describeApiKeyStore } from './api-key-store.contract.js';
import { describeApprovalStore } from './approval-store.contract.js';
import { describeCampaignDraftStore } from './campaign-draft-store.contract.js';
import { describeCreationStore } from './campaign-creation-store.contract.js';
import { describeCampaignStore } from './campaign-store.contract.js';
import { describeCouponStore } from './coupon-store.contract.js';
import { describeRefusalStore } from './refusal-store.contract.js';
import { type DatabaseHarness, databaseUnderTest } from './database-under-test.js';
import { describeFailedEventStore } from './failed-event-store.contract.js';
import { describeFailedEventsOverYears } from './failed-events-over-years.contract.js';
import { describeGateRowStore } from './gate-row-store.contract.js';
import { describeInstallation } from './installation.contract.js';
import { describeUnitsOfWork } from './units-of-work.contract.js';
import { describeUnitsSideBySide } from './units-side-by-side.contract.js';

/** Every adapter of the database passes this. */
export function describeDatabaseContract(name: string, openHarness: () => Promise<DatabaseHarness>): void {
  describe(`${name} as a Database`, () => {
    const under = databaseUnderTest(openHarness);
    describeUnitsOfWork(under);
    describeCampaignStore(under);
    describeCampaignDraftStore(under);
    describeCouponStore(under);
    describeRefusalStore(under);
    describeGateRowStore(under);
    describeInstallation(under);
    describeFailedEventStore(under);
    describeFailedEventsOverYears(under);
    describeUnitsSideBySide(under);
    describeCreationStore(under);
    describeAdminAuditStore(under);
    describeApiKeyStore(under);
    describeApprovalStore(under);
  });
}
