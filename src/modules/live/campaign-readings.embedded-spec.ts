import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { watchOf } from '../../../test/support/recovery.js';
import { type GatePass, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { CampaignReadings } from './campaign-readings.js';

describe('a reading of campaigns', () => {
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let pass: GatePass;
  let timers: SetTimers;
  let readings: CampaignReadings;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'a', total: 3 });
    await storeCampaign(stack, { id: 'b', total: 5, state: 'PAUSED' });
    pass = await openEpoch(stack, 10);
    watch = watchOf(stack);
    await watch.refresh();
    timers = new SetTimers();
    readings = new CampaignReadings(stack.database, stack.gate, watch, timers.clock, timers);
  });
  afterEach(() => stack.close());

  const claim = (userId: string) =>
    stack.gate.claim(pass, { campaignId: 'a', userId, claimId: `claim-${userId}`, idempotencyDigest: null });
  const readOne = async (id = 'a') => (await readings.read([id])).get(id);

  it('says what gate and database know, by the clock of the gate', async () => {
    await claim('u1');
    const before = await stack.gate.now();
    const all = await readings.read(['a', 'b', 'missing']);
    const after = await stack.gate.now();
    expect([...all.keys()]).toEqual(['a', 'b']);
    expect(all.get('a')).toMatchObject({ state: 'OPEN', claimed: 1, remaining: 2, pending: 1, unavailable: [] });
    expect(all.get('b')).toMatchObject({
      state: 'PAUSED',
      claimed: 0,
      remaining: 5,
      pending: 0,
      oldestPendingAt: null,
    });
    const { at = 0, oldestPendingAt = null } = all.get('a') ?? {};
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(after);
    expect(oldestPendingAt).toBeLessThanOrEqual(at);
  });

  it('leaves out what the gate knows while it cannot be trusted or reached', async () => {
    await claim('u1');
    const away = { state: 'OPEN', claimed: null, remaining: null, pending: null, unavailable: ['gate'] };
    stack.gate.gauge = () => Promise.reject(new GateUnavailableError('away'));
    expect(await readOne()).toMatchObject(away);
    watch.reportFence(pass.epoch, 'fence-missing');
    expect(await readOne()).toMatchObject({ ...away, campaign: { total: 3 } });
  });

  it('leaves out what the database knows while it is silent, and asks it once until it answers', async () => {
    await claim('u1');
    let asked = 0;
    let answer = (): void => undefined;
    const read = stack.database.read.bind(stack.database);
    stack.database.read = (work) => {
      asked += 1;
      return new Promise((resolve) => (answer = () => resolve(read(work))));
    };
    const silent = { campaign: null, state: null, claimed: 1, remaining: 2, unavailable: ['database'] };
    const first = readOne();
    await timers.pass(800);
    expect(await first).toMatchObject(silent);
    expect(await readOne()).toMatchObject(silent);
    expect(asked).toBe(1);
    answer();
    await timers.pass(10);
    stack.database.read = read;
    expect(await readOne()).toMatchObject({ state: 'OPEN', unavailable: [] });
  });

  it('has the coupons of a campaign that has left the gate', async () => {
    const [campaign] = await stack.database.read((unit) => unit.campaigns.findMany(['a']));
    stack.database.read = () => Promise.resolve([{ ...campaign, issued: 2, leftGateAt: 5, state: 'CLOSED' }] as never);
    expect(await readOne()).toMatchObject({
      state: 'CLOSED',
      claimed: 2,
      remaining: 1,
      pending: 0,
      oldestPendingAt: null,
      unavailable: [],
    });
  });
});
