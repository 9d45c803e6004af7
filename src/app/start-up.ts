import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DriftMeasurement } from '../modules/audit/drift-measurement.js';
import { DefaultCampaign } from '../modules/campaigns/default-campaign.js';
import { RecoveryService } from '../modules/recovery/recovery.service.js';
import { AppConfig } from '../platform/config/env.js';
import { ClaimTransport } from '../ports/log/claim-transport.js';

/**
 * The one order of the start. Each step needs the steps before it.
 *
 * 1. The adapters check their servers or their file, and refuse settings that can lose claims.
 * 2. The gate is rebuilt if it lives in this process; otherwise the watch over it begins.
 * 3. The campaign `default` is made if it is missing.
 * 4. The consumer begins to take claims.
 * 5. The port opens.
 * 6. The drift is measured.
 *
 * @returns the URL at which the service listens.
 */
export async function startUp(app: NestFastifyApplication): Promise<string> {
  const { roles, host, port, defaultCampaignTotal } = app.get(AppConfig);
  if (roles.has('consumer')) app.connectMicroservice({ strategy: app.get(ClaimTransport).strategy });
  await app.init();
  await app.get(RecoveryService).start();
  if (roles.has('api')) await app.get(DefaultCampaign).ensure(defaultCampaignTotal);
  if (roles.has('consumer')) await app.startAllMicroservices();
  await app.listen(port, host);
  app.get(DriftMeasurement).start();
  return app.getUrl();
}
