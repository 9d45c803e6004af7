import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { parseEnv } from '../../platform/config/env.js';
import { systemClock } from '../../platform/flow/clock.js';
import { NoTokens } from '../../platform/identity/tokens/token-verifier.js';
import { type ClaimLog } from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';
import { type KnownGate } from '../gate-watch/known-gate.js';
import { Readiness } from './readiness.js';
import { ReadinessMetrics } from './readiness.metrics.js';

const OPEN: KnownGate = { state: 'open', epoch: 7, databaseAway: false, gateTrouble: null, script: null };

/** Its metrics show the state of the watch at the moment of the question. */
function metricsOf(state: { -readonly [K in keyof KnownGate]: KnownGate[K] }) {
  const registry = new Registry();
  const watch = { state } as EpochWatch;
  const log = { away: false } as ClaimLog;
  const readiness = new Readiness(
    parseEnv({ ROLES: 'api,retry' }),
    watch,
    log,
    new Admission(watch, log),
    new ForeignClaims(systemClock),
    new NoTokens(),
  );
  new ReadinessMetrics(registry, readiness);
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => /^coupon_/.test(line));
  return { readiness, lines };
}

it('shows as metrics which dependency is away and which role waits for it, at the moment of the question', async () => {
  const state: Parameters<typeof metricsOf>[0] = { ...OPEN, databaseAway: true };
  const { readiness, lines } = metricsOf(state);
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

it('shows as a metric whether the gate has the script of this build, and no value while that is not known', async () => {
  const state: Parameters<typeof metricsOf>[0] = { ...OPEN, script: { version: '0123456789ab', current: false } };
  const { lines } = metricsOf(state);
  expect(await lines()).toContain('coupon_gate_script_current 0');
  state.script = { version: 'ba9876543210', current: true };
  expect(await lines()).toContain('coupon_gate_script_current 1');
  state.script = null;
  expect((await lines()).filter((line) => line.startsWith('coupon_gate_script'))).toEqual([]);
});
