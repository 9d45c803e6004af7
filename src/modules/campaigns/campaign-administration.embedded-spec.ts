import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { administrationOf, creatorOf } from '../../../test/support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { openPass, rebuilderOf, watchOf } from '../../../test/support/recovery.js';
import { type Campaign } from '../../domain/campaign.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import {
  type CampaignGauge,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
} from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { type CampaignAdministration } from './campaign-administration.js';

const seen = () => true;
const NOT_LOWERED = (gate: string) => ({ kind: 'gate-not-told', stored: null, gate });

describe('campaign administration', () => {
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let administration: CampaignAdministration;
  let pass: GatePass;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'c', total: 10 });
    pass = await openEpoch(stack, 10);
    watch = watchOf(stack);
    administration = administrationOf(stack, watch);
  });
  afterEach(() => stack.close());

  const stored = (id = 'c'): Promise<Campaign | null> => stack.database.read((unit) => unit.campaigns.find(id));
  const gauge = async (id = 'c'): Promise<CampaignGauge> => {
    const [answer] = await stack.gate.gauge(pass, [id]);
    if (answer?.kind !== 'gauge') throw new Error('the gate does not know the campaign');
    return answer;
  };
  const claim = (userId: string) =>
    stack.gate.claim(pass, { campaignId: 'c', userId, claimId: userId, idempotencyDigest: null });
  /** The gate answers nothing until the returned function is called. */
  const gateAway = () => {
    const { changeTerms, openCampaign } = stack.gate;
    const refuse = () => Promise.reject(new GateUnavailableError('away'));
    stack.gate.changeTerms = refuse;
    stack.gate.openCampaign = refuse;
    return () => Object.assign(stack.gate, { changeTerms, openCampaign });
  };

  it('does not take a campaign that another process is just opening for a lost one', async () => {
    const fences: unknown[] = [];
    watch.onFence((...fence) => fences.push(fence));
    await storeCampaign(stack, { id: 'young', total: 10 });
    expect(await administration.change('young', { total: 5 }, seen, BY_SERVICE)).toEqual(NOT_LOWERED('refused'));
    expect(await administration.act('young', 'pause', BY_SERVICE)).toMatchObject({
      kind: 'gate-not-told',
      gate: 'refused',
    });
    expect(fences).toEqual([]);
    stack.memory.campaign(10, 'c').count += 1;
    await administration.act('c', 'pause', BY_SERVICE);
    expect(fences).toEqual([[10, 'count-mismatch']]);
  });

  it.each([
    ['its terms', () => administration.act('c', 'pause', BY_SERVICE)],
    [
      'a new campaign',
      () => creatorOf(stack, watch).create({ name: 'n', total: 5, startsAt: 0, endsAt: null }, BY_SERVICE),
    ],
    ['a lower total', () => administration.change('c', { total: 5 }, seen, BY_SERVICE)],
  ])('confirms no 202 by an earlier read of the row when the gate does not answer to %s', async (_what, tell) => {
    await watch.refresh();
    const back = gateAway();
    await tell();
    back();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
    expect(await watch.confirmOpen(pass.epoch)).toBe(false);
  });

  it('raises the database before the gate, so that the gate never has more to give', async () => {
    const back = gateAway();
    const raised = await administration.change('c', { total: 20 }, seen, BY_SERVICE);
    expect(raised).toMatchObject({ kind: 'gate-not-told', stored: { total: 20, version: 2 } });
    expect([(await stored())?.total, (await gauge()).terms.total]).toEqual([20, 10]);
    back();
  });

  it('lowers the gate before the database, and neither when the gate has admitted more', async () => {
    for (const user of ['a', 'b', 'd']) await claim(user);
    expect(await administration.change('c', { total: 2 }, seen, BY_SERVICE)).toEqual({ kind: 'total-below-claimed' });
    expect([(await stored())?.total, (await gauge()).terms.total]).toEqual([10, 10]);
    expect(await administration.change('c', { total: 3 }, seen, BY_SERVICE)).toMatchObject({ kind: 'done' });
    expect([(await stored())?.total, (await gauge()).terms.total]).toEqual([3, 3]);
    expect((await claim('e')).kind).toBe('sold-out');
  });

  it('does not lower without the gate, nor while it is being rebuilt', async () => {
    const back = gateAway();
    expect(await administration.change('c', { total: 5 }, seen, BY_SERVICE)).toEqual(NOT_LOWERED('refused'));
    back();
    await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
    expect(await administration.change('c', { total: 5 }, seen, BY_SERVICE)).toEqual(NOT_LOWERED('rebuilding'));
    expect((await stored())?.total).toBe(10);
  });

  it('does not lower a total that the gate knows in a newer version', async () => {
    const ahead = { ...(await gauge()).terms, version: 7 };
    await stack.gate.changeTerms(pass, ahead);
    expect(await administration.change('c', { total: 5 }, seen, BY_SERVICE)).toEqual(NOT_LOWERED('refused'));
    expect([(await stored())?.total, (await gauge()).terms.total]).toEqual([10, 10]);
  });

  it('changes nothing for a caller who has not seen this version, or for a campaign that is closed', async () => {
    expect(await administration.change('c', { name: 'x' }, () => false, BY_SERVICE)).toEqual({
      kind: 'precondition-failed',
    });
    expect(await administration.change('nothing', { name: 'x' }, seen, BY_SERVICE)).toEqual({
      kind: 'campaign-not-found',
    });
    await administration.act('c', 'close', BY_SERVICE);
    expect(await administration.change('c', { name: 'x' }, seen, BY_SERVICE)).toEqual({ kind: 'campaign-closed' });
    expect(await administration.act('c', 'resume', BY_SERVICE)).toEqual({ kind: 'campaign-closed' });
    expect((await stored())?.version).toBe(2);
  });

  it('is done again, without a new version, when a campaign is already as asked', async () => {
    await administration.act('c', 'pause', BY_SERVICE);
    expect(await administration.act('c', 'pause', BY_SERVICE)).toMatchObject({
      kind: 'done',
      campaign: { version: 2 },
    });
    expect((await gauge()).terms).toMatchObject({ state: 'PAUSED', version: 2 });
    expect((await claim('a')).kind).toBe('campaign-paused');
  });

  describe('a pause or a close is done only once the gate admits no claim', () => {
    const actions = ['pause', 'close'] as const;
    const STATE = { pause: 'PAUSED', close: 'CLOSED' } as const;
    const REFUSAL = { pause: 'campaign-paused', close: 'campaign-closed' } as const;
    let user = 0;
    const next = async () => (await claim(`u${user++}`)).kind;

    it.each(actions)(
      '%s, while the gate takes no change: stored, and not done, also at the second call',
      async (act) => {
        const back = gateAway();
        for (const _again of [1, 2]) {
          const outcome = await administration.act('c', act, BY_SERVICE);
          expect(outcome).toMatchObject({
            kind: 'gate-not-told',
            stored: { state: STATE[act], version: 2 },
            gate: 'refused',
          });
          expect(await next()).toBe('admitted');
        }
        back();
        expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
          kind: 'done',
          campaign: { version: 2 },
        });
        expect(await next()).toBe(REFUSAL[act]);
      },
    );

    it.each(actions)('%s, which the gate takes and does not answer to', async (act) => {
      const { changeTerms } = stack.gate;
      stack.gate.changeTerms = async (...call) => {
        await changeTerms.apply(stack.gate, call);
        throw new GateTimeoutError('no answer');
      };
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'gate-not-told', gate: 'unknown' });
      stack.gate.changeTerms = changeTerms;
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done', campaign: { version: 2 } });
      expect(await next()).toBe(REFUSAL[act]);
    });

    it.each(actions)('%s, while the gate has a later version, of a lowering whose transaction failed', async (act) => {
      await stack.gate.changeTerms(pass, { ...(await gauge()).terms, total: 9, version: 7 });
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done', campaign: { version: 8 } });
      expect(await next()).toBe(REFUSAL[act]);
      expect(await stored()).toMatchObject({ state: STATE[act], total: 10, version: 8 });
      expect((await gauge()).terms).toMatchObject({ state: STATE[act], total: 10, version: 8 });
    });

    it.each(actions)('%s, while the gate has the same version with other terms', async (act) => {
      await stack.gate.changeTerms(pass, { ...(await gauge()).terms, total: 9, version: 2 });
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done', campaign: { version: 3 } });
      expect(await next()).toBe(REFUSAL[act]);
    });

    it.each(actions)('%s, while a rebuild is under way: the old gate may still admit claims', async (act) => {
      await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
      for (const _again of [1, 2]) {
        const outcome = await administration.act('c', act, BY_SERVICE);
        expect(outcome).toMatchObject({ kind: 'gate-not-told', stored: { state: STATE[act] }, gate: 'rebuilding' });
        expect(await next()).toBe('admitted');
      }
    });

    it.each(actions)('%s, where the rebuild begins after the commit', async (act) => {
      const { changeTerms } = stack.gate;
      stack.gate.changeTerms = async (...call) => {
        stack.gate.changeTerms = changeTerms;
        await rebuilderOf(stack).rebuild(pass.epoch);
        return stack.gate.changeTerms(...call);
      };
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
        kind: 'gate-not-told',
        gate: 'rebuilding',
      });
      pass = await openPass(stack);
      expect(await next()).toBe(REFUSAL[act]);
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done', campaign: { version: 2 } });
    });

    it.each(actions)('%s, where the gate is fenced: its memory may come back as it was', async (act) => {
      const { memory } = stack;
      const trusted = memory.trusted.bind(memory);
      memory.trusted = () => ({ kind: 'fenced', reason: 'fence-missing' });
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
        kind: 'gate-not-told',
        gate: 'rebuilding',
      });
      memory.trusted = trusted;
      expect(await next()).toBe('admitted');
    });

    it.each(actions)('%s, where the database goes away before the gate can be compared with it', async (act) => {
      await stack.gate.changeTerms(pass, { ...(await gauge()).terms, version: 2 });
      const { database } = stack;
      const transaction = database.transaction.bind(database);
      database.transaction = async (work) => {
        const result = await transaction(work);
        database.transaction = () => Promise.reject(new DatabaseError('infrastructure', 'AWAY', 'away'));
        return result;
      };
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({
        kind: 'gate-not-told',
        stored: { version: 2 },
      });
      expect(await next()).toBe('admitted');
      database.transaction = transaction;
      expect(await administration.act('c', act, BY_SERVICE)).toMatchObject({ kind: 'done', campaign: { version: 3 } });
      expect(await next()).toBe(REFUSAL[act]);
    });

    it('pause, and a resume by another operator right after it: done, with the state that is stored by then', async () => {
      const { changeTerms } = stack.gate;
      stack.gate.changeTerms = async (...call) => {
        stack.gate.changeTerms = changeTerms;
        expect(await administration.act('c', 'resume', BY_SERVICE)).toMatchObject({ kind: 'done' });
        return stack.gate.changeTerms(...call);
      };
      expect(await administration.act('c', 'pause', BY_SERVICE)).toMatchObject({
        kind: 'done',
        campaign: { state: 'OPEN', version: 3 },
      });
    });

    it('pause, and a renaming right after it that does not reach the gate', async () => {
      const { changeTerms } = stack.gate;
      stack.gate.changeTerms = async (...call) => {
        stack.gate.changeTerms = changeTerms;
        await stack.database.transaction((unit) => unit.campaigns.update('c', { name: 'x' }, 3));
        await stack.gate.changeTerms(pass, { ...(await gauge()).terms, version: 2 });
        return stack.gate.changeTerms(...call);
      };
      expect(await administration.act('c', 'pause', BY_SERVICE)).toMatchObject({
        kind: 'done',
        campaign: { version: 3 },
      });
      expect(await next()).toBe('campaign-paused');
    });
  });

  it('refuses a window that would end before it starts', async () => {
    const outcome = await administration.change('c', { startsAt: 2_000, endsAt: 1_000 }, seen, BY_SERVICE);
    expect(outcome).toEqual({ kind: 'window-inverted' });
    await administration.change('c', { startsAt: 0, endsAt: 1_000 }, seen, BY_SERVICE);
    expect(await administration.change('c', { startsAt: 1_000 }, seen, BY_SERVICE)).toEqual({
      kind: 'window-inverted',
    });
    expect(await administration.change('c', { startsAt: 1_000, endsAt: null }, seen, BY_SERVICE)).toMatchObject({
      kind: 'done',
      campaign: { startsAt: 1_000, endsAt: null },
    });
  });
});
