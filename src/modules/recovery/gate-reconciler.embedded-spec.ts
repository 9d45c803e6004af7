import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { claimOf } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { termsAtGateOf, unexplainedClaimsOf, watchOf } from '../../../test/support/recovery.js';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import {
  type CampaignGauge,
  type CampaignTerms,
  type GatePass,
  GateTimeoutError,
} from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';
import { StoredCampaignIds } from '../gate-watch/stored-campaign-ids.js';
import { WatchedGate } from '../gate-watch/watched-gate.js';
import { GateReconciler } from './gate-reconciler.js';
import { RecoveryMetrics } from './recovery.metrics.js';

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let watch: EpochWatch;
let pass: GatePass;
let registry: MetricsRegistry;
let metrics: RecoveryMetrics;
let reconciler: GateReconciler;
let storedIds: StoredCampaignIds;
let quiet: QuietCampaigns;

beforeEach(async () => {
  stack = await openEmbeddedStack();
  await storeCampaign(stack, { id: 'default', total: 100 });
  pass = await openEpoch(stack, 10);
  watch = watchOf(stack);
  await watch.refresh();
  registry = new MetricsRegistry();
  metrics = new RecoveryMetrics(registry, watch);
  storedIds = new StoredCampaignIds();
  const gate = new WatchedGate(stack.gate, watch);
  const terms = termsAtGateOf(stack, watch);
  const unexplained = unexplainedClaimsOf(stack, watch);
  quiet = new QuietCampaigns();
  reconciler = new GateReconciler(stack.database, gate, watch, metrics, terms, storedIds, unexplained, quiet);
});

afterEach(async () => {
  await stack.close();
});

const stored = async (id = 'default') => {
  const campaign = await stack.database.read((unit) => unit.campaigns.find(id));
  if (campaign === null) throw new Error(`no campaign ${id}`);
  return campaign;
};
const termsAtGate = async (id = 'default') => {
  const [gauge] = await stack.gate.gauge(pass, [id]);
  return (gauge as CampaignGauge).terms;
};
const changeRow = (change: object, version: number) =>
  stack.database.transaction((unit) => unit.campaigns.update('default', change, version));
const changeGate = async (change: Partial<CampaignTerms>) =>
  stack.gate.changeTerms(pass, { ...termsOf(await stored()), ...change });
const claim = (number: number) => stack.gate.claim(pass, { ...claimOf(number), idempotencyDigest: null });
const age = (id: string) =>
  stack.connection.exclusive((runner) => runner.query('UPDATE campaigns SET created_at = 0 WHERE id = ?', [id]));

describe('the metrics of campaigns', () => {
  const series = async () =>
    (await registry.metrics())
      .split('\n')
      .filter((line) => /^coupon_(campaign|pending|drift)/.test(line))
      .map((line) => line.replace(/^coupon_/, ''));

  it('show stock, claims, coupons and the name, and what changes of them', async () => {
    await claim(1);
    await stack.database.transaction((unit) => unit.campaigns.addIssued('default', 1, 5));
    await reconciler.reconcile();
    expect(await series()).toEqual(
      expect.arrayContaining([
        'campaign_coupons{campaign="default"} 100',
        'campaign_claimed{campaign="default"} 1',
        'campaign_issued{campaign="default"} 1',
        'campaign_info{campaign="default",name="default"} 1',
        'pending{campaign="default"} 1',
        'campaigns_unlabelled 0',
      ]),
    );
    await changeRow({ name: 'a "new" name', total: 7 }, 2);
    await reconciler.reconcile();
    const after = await series();
    expect(after).toContain('campaign_coupons{campaign="default"} 7');
    expect(after.filter((line) => line.startsWith('campaign_info'))).toEqual([
      'campaign_info{campaign="default",name="a \\"new\\" name"} 1',
    ]);
  });

  it('leave with a campaign that is closed, when nothing of it is on its way any more', async () => {
    await claim(1);
    await storeCampaign(stack, { id: '01A', total: 1 });
    await stack.gate.openCampaign(pass, termsOf(await stored('01A')));
    await reconciler.reconcile();
    await changeRow({ state: 'CLOSED' }, 2);
    await reconciler.reconcile();
    expect((await series()).filter((line) => line.includes('default'))).toHaveLength(6);

    const { claimId, campaignId, userId } = claimOf(1);
    await stack.gate.clearPending(pass, [{ claimId, campaignId, userId }]);
    await reconciler.reconcile();
    const after = await series();
    expect(after.filter((line) => line.includes('default'))).toEqual([]);
    expect(after).toContain('campaign_coupons{campaign="01A"} 1');
  });

  it('are those of a bounded number of campaigns, the newest, and say how many are left out', async () => {
    for (const id of ['01A', '01B', '01C', '01D']) {
      await storeCampaign(stack, { id, total: 1 });
      await stack.gate.openCampaign(pass, termsOf(await stored(id)));
    }
    registry = new MetricsRegistry();
    const few = new RecoveryMetrics(registry, watch, new CampaignLabels(3));
    const terms = termsAtGateOf(stack, watch);
    const unexplained = unexplainedClaimsOf(stack, watch);
    reconciler = new GateReconciler(stack.database, stack.gate, watch, few, terms, storedIds, unexplained, quiet);
    for (let round = 0; round < 2; round++) await reconciler.reconcile();
    const totals = (await series()).flatMap((line) => /^campaign_coupons\{campaign="(.*)"\}/.exec(line)?.[1] ?? []);
    expect(totals.sort()).toEqual(['01C', '01D', 'default']);
    expect(await series()).toContain('campaigns_unlabelled 2');
  });
});

describe('the reconciler', () => {
  it('changes nothing where gate and database agree', async () => {
    await reconciler.reconcile();
    expect((await stored()).version).toBe(1);
    expect(await termsAtGate()).toEqual(termsOf(await stored()));
  });

  it('brings a change to the gate that got lost after its commit', async () => {
    await changeRow({ total: 200, state: 'PAUSED', startsAt: 5, endsAt: 9 }, 2);
    await reconciler.reconcile();
    expect(await termsAtGate()).toEqual(termsOf(await stored()));
    expect(await termsAtGate()).toMatchObject({ total: 200, state: 'PAUSED', startsAt: 5, endsAt: 9, version: 2 });
  });

  it('restores the database’s terms where only the gate has a change, under a version that the gate accepts', async () => {
    await changeGate({ total: 50, version: 7 });
    await reconciler.reconcile();
    expect(await stored()).toMatchObject({ total: 100, version: 8 });
    expect(await termsAtGate()).toMatchObject({ total: 100, version: 8 });
  });

  it('does the same when both have one version with different terms', async () => {
    await changeRow({ total: 40 }, 1);
    await reconciler.reconcile();
    expect(await stored()).toMatchObject({ total: 40, version: 2 });
    expect(await termsAtGate()).toMatchObject({ total: 40, version: 2 });
  });

  it('waits for a lowering that is under way, and leaves it alone', async () => {
    const gauge = stack.gate.gauge.bind(stack.gate);
    let looks = 0;
    stack.gate.gauge = async (shown, ids) => {
      if (looks++ > 0) return gauge(shown, ids);
      await changeGate({ total: 50, version: 2 });
      const seen = await gauge(shown, ids);
      await changeRow({ total: 50 }, 2);
      return seen;
    };
    await reconciler.reconcile();
    expect(looks).toBe(2);
    expect(await stored()).toMatchObject({ total: 50, version: 2 });
    expect(await termsAtGate()).toMatchObject({ total: 50, version: 2 });
  });

  it('writes nothing under an epoch that is over', async () => {
    await changeGate({ total: 50, version: 7 });
    await stack.connection.exclusive((runner) => runner.query('UPDATE gate SET epoch = 11, script_sha = NULL'));
    await reconciler.reconcile();
    expect(await stored()).toMatchObject({ total: 100, version: 1 });
    expect(await termsAtGate()).toMatchObject({ total: 50, version: 7 });
  });

  it('never raises the gate above the database, and cannot lower it below what was claimed', async () => {
    for (const number of [1, 2, 3]) await claim(number);
    await changeRow({ total: 2 }, 2);
    await reconciler.reconcile();
    expect(await termsAtGate()).toMatchObject({ total: 100, version: 1 });
    expect(watch.pass).toEqual(pass);
  });

  it.each(['just now', 'long ago'])('opens a campaign that was stored %s and never was at the gate', async (when) => {
    await storeCampaign(stack, { id: 'unheard', total: 7 });
    if (when === 'long ago') await age('unheard');
    await reconciler.reconcile();
    expect(watch.pass).toEqual(pass);
    expect(await termsAtGate('unheard')).toEqual(termsOf(await stored('unheard')));
  });

  it.each(['with claims', 'without a claim'])(
    'reports a missing meta as a fence, %s, and does not make one',
    async (how) => {
      if (how === 'with claims') await claim(1);
      Object.assign(stack.memory.campaign(10, 'default'), { terms: null, sequence: 0 });
      await reconciler.reconcile();
      expect(watch.pass).toBeNull();
      expect(await stack.gate.gauge(pass, ['default'])).toEqual([{ kind: 'fenced', reason: 'meta-missing' }]);
    },
  );

  it('waits under a gate that cannot tell a new campaign from a lost one, and reports it after a while', async () => {
    stack.gate.openMissing = () => Promise.resolve({ kind: 'unsupported' });
    await storeCampaign(stack, { id: 'unheard' });
    await reconciler.reconcile();
    expect(watch.pass).toEqual(pass);
    await age('unheard');
    await reconciler.reconcile();
    expect(watch.pass).toBeNull();
  });

  it.each([
    ['a claim is gone', () => stack.memory.campaign(10, 'default').applied.clear()],
    ['a pending entry is gone', () => stack.memory.campaign(10, 'default').pending.clear()],
    ['everything is gone', () => stack.memory.drop(10)],
  ])('reports a fence when %s, also of a campaign that was stored just now', async (_what, damage) => {
    await claim(1);
    damage();
    await reconciler.reconcile();
    expect(watch.pass).toBeNull();
  });

  it('does nothing while no epoch is open', async () => {
    watch.reportFence(10, 'meta-missing');
    await changeRow({ total: 200 }, 2);
    await reconciler.reconcile();
    expect(await termsAtGate()).toMatchObject({ version: 1 });
  });

  it.each([
    ['no epoch is open', () => watch.reportFence(10, 'meta-missing')],
    ['the gate does not answer', () => (stack.gate.now = () => Promise.reject(new GateTimeoutError('no answer')))],
  ])('knows the ids of all campaigns that are not closed also while %s', async (_what, happen) => {
    for (let number = 0; number < 250; number++) await storeCampaign(stack, { id: `c${number}` });
    await storeCampaign(stack, { id: 'closed', state: 'CLOSED' });
    happen();
    await reconciler.reconcile().catch(() => undefined);
    expect(['default', 'c0', 'c249', 'closed', 'invented'].map((id) => storedIds.has(id))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('compares every campaign, however many there are', async () => {
    for (let number = 0; number < 450; number++) {
      const campaign = await storeCampaign(stack, { id: `c${number}` });
      await stack.gate.openCampaign(pass, termsOf(campaign));
      await stack.database.transaction((unit) => unit.campaigns.update(`c${number}`, { total: 7 }, 2));
    }
    await reconciler.reconcile();
    const ids = Array.from({ length: 450 }, (_, number) => `c${number}`);
    const gauges = (await stack.gate.gauge(pass, ids)) as CampaignGauge[];
    expect(gauges.filter(({ terms }) => terms.total === 7)).toHaveLength(450);
  });

  it('tells the watch when the gate did not answer, since earlier reads of the row prove nothing then', async () => {
    stack.gate.gauge = () => Promise.reject(new GateTimeoutError('no answer'));
    await expect(reconciler.reconcile()).rejects.toThrow('no answer');
    stack.database.read = () => Promise.reject(new Error('away'));
    expect(await watch.confirmOpen(10)).toBe(false);
  });

  it('shows what is pending, and the epoch, in the metrics', async () => {
    await claim(1);
    stack.gate.now = () => Promise.resolve(Date.now() + 30_000);
    await reconciler.reconcile();
    const text = await registry.metrics();
    expect(text).toMatch(/^coupon_pending\{campaign="default"\} 1$/m);
    expect(Number(/^coupon_pending_oldest_seconds\{campaign="default"\} (.+)$/m.exec(text)?.[1])).toBeCloseTo(30, 0);
    expect(text).toMatch(/^coupon_gate_epoch 10$/m);
    expect(text).toMatch(/^coupon_gate_fenced 0$/m);
    watch.reportFence(10, 'count-mismatch');
    expect(await registry.metrics()).toMatch(/^coupon_gate_fenced 1$/m);
  });

  it('leaves the metrics readable when the database is away', async () => {
    await reconciler.reconcile();
    stack.database.read = () => Promise.reject(new Error('away'));
    await expect(reconciler.reconcile()).rejects.toThrow('away');
    await watch.refresh();
    expect(await registry.metrics()).toMatch(/^coupon_gate_epoch 10$/m);
  });
});

describe('campaigns that are over', () => {
  /** Ids that one round asks the gate about. */
  const askedBy = async (work: () => Promise<unknown>) => {
    const asked: string[] = [];
    const gauge = stack.gate.gauge.bind(stack.gate);
    stack.gate.gauge = (own, ids) => {
      asked.push(...ids);
      return gauge(own, ids);
    };
    await work();
    stack.gate.gauge = gauge;
    return asked;
  };

  it('cost the gate a few calls in a round, however many they are; the open one is asked about each time', async () => {
    for (let number = 100; number < 150; number++) {
      const campaign = await storeCampaign(stack, { id: `c-${number}`, state: 'CLOSED' });
      await stack.gate.openCampaign(pass, termsOf(campaign));
    }
    expect(await askedBy(() => reconciler.reconcile())).toHaveLength(51);
    const rounds = new Set<string>();
    for (let round = 0; round < 7; round++) {
      const asked = await askedBy(() => reconciler.reconcile());
      expect(asked).toContain('default');
      expect(asked.length).toBeLessThanOrEqual(9);
      for (const id of asked) rounds.add(id);
    }
    expect(rounds.size).toBe(51);
    // A change is seen at once.
    await stack.database.transaction((unit) => unit.campaigns.update('c-149', {}, 2));
    expect(await askedBy(() => reconciler.reconcile())).toContain('c-149');
    expect((await stack.gate.gauge(pass, ['c-149']))[0]).toMatchObject({ terms: { version: 2 } });
  });

  it('are asked about in each round until none of their claims is pending', async () => {
    for (let number = 100; number < 120; number++) {
      const campaign = await storeCampaign(stack, { id: `c-${number}`, state: 'CLOSED' });
      await stack.gate.openCampaign(pass, termsOf(campaign));
    }
    await claim(1);
    await changeRow({ state: 'CLOSED' }, 2);
    for (let round = 0; round < 4; round++) expect(await askedBy(() => reconciler.reconcile())).toContain('default');
    await stack.gate.clearPending(pass, [claimOf(1)]);
    // Without its coupon, an operator has to see it: it does not become quiet.
    await reconciler.reconcile();
    expect(await askedBy(() => reconciler.reconcile())).toContain('default');
    await stack.database.transaction((unit) => unit.campaigns.addIssued('default', 1, 5));
    await reconciler.reconcile();
    // Its turn comes after those of 20 others.
    const asked = await askedBy(() => reconciler.reconcile());
    expect(asked.length).toBeLessThanOrEqual(8);
  });
});
