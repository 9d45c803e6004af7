import { Logger } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, it, jest } from '@jest/globals';
import { DriftMeasurement } from '../src/modules/audit/drift-measurement.js';
import { PromiseAudit } from '../src/modules/audit/promise-audit.js';
import { EpochWatch } from '../src/modules/gate-watch/epoch-watch.js';
import { Database } from '../src/ports/database/database.js';
import { type CampaignGauge, IssuanceGate } from '../src/ports/gate/issuance-gate.js';
import { openRecoveryApplication, startRecovery } from './support/recovery.js';
import { until } from './support/until.js';

Logger.overrideLogger(false);

let app: NestFastifyApplication;
let close: () => Promise<void>;

beforeEach(async () => {
  ({ app, close } = await openRecoveryApplication());
});

afterEach(async () => {
  jest.restoreAllMocks();
  await close();
});

describe('while drift is measured', () => {
  it('a change that the gate does not know yet reaches it within one interval, however long the audit takes', async () => {
    const campaign = { id: 'default', name: 'default', total: 5, startsAt: 0, endsAt: null, state: 'OPEN' as const };
    const database = app.get(Database);
    await database.transaction((unit) => unit.campaigns.insert(campaign));
    let end: () => void = () => undefined;
    const audit = jest
      .spyOn(app.get(PromiseAudit), 'audit')
      .mockReturnValue(new Promise((resolve) => (end = () => resolve(null))));
    try {
      await startRecovery(app);
      app.get(DriftMeasurement).start();
      await until('an audit is under way', () => audit.mock.calls.length > 0);
      await database.transaction((unit) => unit.campaigns.update('default', { total: 4 }, 2));
      const { pass } = app.get(EpochWatch, { strict: false });
      if (pass === null) throw new Error('no epoch is open');
      const totalAtGate = async () => {
        const [gauge] = await app.get(IssuanceGate).gauge(pass, ['default']);
        return (gauge as CampaignGauge).terms.total;
      };
      await until('the gate has the change', async () => (await totalAtGate()) === 4);
    } finally {
      end();
    }
  });
});
