import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { parseEnv } from '../../platform/config/env.js';
import { systemClock } from '../../platform/flow/clock.js';
import { type ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';
import { Readiness } from './readiness.js';
import { ReadinessMetrics } from './readiness.metrics.js';

it('shows as metrics which dependency is away and which role waits for it, at the moment of the question', async () => {
  const registry = new Registry();
  const state = { state: 'open', epoch: 7, databaseAway: true, gateTrouble: null };
  const watch = { state: state as EpochWatch['state'] } as EpochWatch;
  const log = { away: false } as ClaimLog;
  const readiness = new Readiness(
    parseEnv({ ROLES: 'api,retry' }),
    watch,
    log,
    new Admission(watch, log),
    new ForeignClaims(systemClock),
  );
  new ReadinessMetrics(registry, readiness);
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => /^coupon_/.test(line));
  expect(await lines()).toEqual([
    'coupon_dependency_up{dependency="gate"} 1',
    'coupon_dependency_up{dependency="claimLog"} 1',
    'coupon_dependency_up{dependency="database"} 0',
    'coupon_role_ready{role="api"} 1',
    'coupon_role_ready{role="retry"} 0',
  ]);
  state.databaseAway = false;
  expect(await lines()).toContain('coupon_role_ready{role="retry"} 1');
  readiness.beforeApplicationShutdown();
  expect(await lines()).toContain('coupon_role_ready{role="api"} 0');
});
