import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DriftMeasurement } from '../modules/audit/drift-measurement.js';
import { DefaultCampaign } from '../modules/campaigns/default-campaign.js';
import { EntryBook } from '../modules/entry/entry-book.js';
import { CounterPublisher } from '../modules/live/counter-publisher.js';
import { DependencyStates } from '../modules/system/dependency-states.js';
import { RecoveryService } from '../modules/recovery/recovery.service.js';
import { AppConfig } from '../platform/config/env.js';
import { AdminListener } from '../platform/http/server/admin-listener.js';
import { ClaimTransport } from '../ports/log/claim-transport.js';

/**
 * The one order of the start. Each step needs the steps before it.
 *
 * 1. The adapters check their servers or their file, and refuse settings that can lose claims.
 * 2. The gate is rebuilt if it lives in this process; otherwise the watch over it begins.
 * 3. The campaign `default` is made if it is missing.
 * 4. The api reads which campaigns require an entry.
 * 5. The consumer begins to take claims.
 * 6. The ports open, the one for operators first.
 * 7. The drift is measured, and the process shows its counters.
 *
 * @returns the URL at which the service listens, and the URL for operators; the same where there is one port.
 */
export async function startUp(app: NestFastifyApplication): Promise<{ url: string; adminUrl: string }> {
  const { roles, host, port, admin, defaultCampaignTotal } = app.get(AppConfig);
  if (roles.has('consumer')) app.connectMicroservice({ strategy: app.get(ClaimTransport).strategy });
  await app.init();
  await app.get(RecoveryService).start();
  if (roles.has('api')) await app.get(DefaultCampaign).ensure(defaultCampaignTotal);
  if (roles.has('api')) await app.get(EntryBook).start();
  if (roles.has('consumer')) await app.startAllMicroservices();
  const adminUrl = admin === undefined ? undefined : await app.get(AdminListener).listen(admin.port, admin.host);
  await app.listen(port, host);
  app.get(DriftMeasurement).start();
  app.get(CounterPublisher).start();
  if (roles.has('api')) app.get(DependencyStates).start();
  const url = await app.getUrl();
  return { url, adminUrl: adminUrl ?? url };
}
