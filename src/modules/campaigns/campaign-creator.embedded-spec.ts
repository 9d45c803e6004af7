import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { byOperator } from '../../../test/support/callers.js';
import { administrationOf, creatorOf } from '../../../test/support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { openPass, rebuilderOf, watchOf } from '../../../test/support/recovery.js';
import { type Campaign, NO_ENTRY } from '../../domain/campaign.js';
import { systemClock } from '../../platform/flow/clock.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type CampaignGauge, type GatePass, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { CampaignCatalogue } from './campaign-catalogue.js';
import { type CampaignCreationOutcome, type CampaignCreator } from './campaign-creator.js';

describe('the making of a campaign', () => {
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let creator: CampaignCreator;
  let pass: GatePass;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'c', total: 10 });
    pass = await openEpoch(stack, 10);
    watch = watchOf(stack);
    creator = creatorOf(stack, watch);
  });
  afterEach(() => stack.close());

  /** Makes a campaign without a key. */
  const made = async (...[input, requestId]: Parameters<CampaignCreator['create']>): Promise<Campaign> => {
    const outcome = await creator.create(input, requestId);
    if (outcome.kind !== 'created') throw new Error(outcome.kind);
    return outcome.campaign;
  };
  const stored = (id = 'c'): Promise<Campaign | null> => stack.database.read((unit) => unit.campaigns.find(id));
  const gauge = async (id = 'c'): Promise<CampaignGauge> => {
    const [answer] = await stack.gate.gauge(pass, [id]);
    if (answer?.kind !== 'gauge') throw new Error('the gate does not know the campaign');
    return answer;
  };
  const audited = () =>
    stack.connection.exclusive((runner) => runner.query('SELECT action, subject FROM admin_audit ORDER BY id'));
  /** The gate opens no campaign until the returned function is called. */
  const gateAway = () => {
    const { openCampaign } = stack.gate;
    stack.gate.openCampaign = () => Promise.reject(new GateUnavailableError('away'));
    return () => Object.assign(stack.gate, { openCampaign });
  };

  it('stores the row, opens the campaign at the gate, and writes it into the audit', async () => {
    const campaign = await made({ name: 'n', total: 5, startsAt: null, endsAt: null }, byOperator('r-1'));
    expect(await stored(campaign.id)).toEqual(campaign);
    expect((await gauge(campaign.id)).terms).toMatchObject({ total: 5, version: 1, state: 'OPEN' });
    expect(await audited()).toEqual([{ action: 'campaign.create', subject: campaign.id }]);
  });

  describe('with an idempotency key', () => {
    const input = { name: '쿠폰', total: 5, startsAt: null, endsAt: null };
    /** What the caller is told of it. */
    const told = (outcome: CampaignCreationOutcome) => {
      if (outcome.kind !== 'created') throw new Error(outcome.kind);
      const { campaign, at, replayed } = outcome;
      const { createdAt: _createdAt, updatedAt: _updatedAt, ...shown } = campaign;
      return { shown, at, replayed };
    };
    const count = async () => (await stack.database.read((unit) => unit.campaigns.list(100))).length;

    it('makes one campaign, and answers a second call with the campaign as it was made', async () => {
      const first = await creator.create(input, byOperator('r-1'), 'key');
      expect(first).toMatchObject({ kind: 'created', replayed: false, campaign: { version: 1 } });
      if (first.kind !== 'created') throw new Error(first.kind);
      await administrationOf(stack, watch).change(
        first.campaign.id,
        { name: 'changed', total: 9 },
        () => true,
        BY_SERVICE,
      );
      expect(told(await creator.create(input, byOperator('r-2'), 'key'))).toEqual({ ...told(first), replayed: true });
      expect(await count()).toBe(2);
      expect(await audited()).toEqual([
        { action: 'campaign.create', subject: first.campaign.id },
        { action: 'campaign.change', subject: first.campaign.id },
      ]);
    });

    it('makes one campaign of many calls at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => creator.create(input, BY_SERVICE, 'key')));
      const ids = outcomes.map((outcome) => outcome.kind === 'created' && outcome.campaign.id);
      expect([new Set(ids).size, await count()]).toEqual([1, 2]);
      expect(outcomes.filter((outcome) => outcome.kind === 'created' && !outcome.replayed)).toHaveLength(1);
    });

    it('finds that another process has used the key in between, and stores nothing of its own', async () => {
      const { database } = stack;
      const transaction = database.transaction.bind(database);
      let tries = 0;
      database.transaction = (work) =>
        transaction(async (unit) => {
          // Both looked before either wrote, as two servers of MySQL can.
          if (++tries === 1) unit.creations.find = () => Promise.resolve(null);
          return work(unit);
        });
      const rival = creatorOf(stack, watch);
      tries = 1;
      const first = await rival.create(input, BY_SERVICE, 'key');
      tries = 0;
      expect(told(await creator.create(input, BY_SERVICE, 'key'))).toEqual({ ...told(first), replayed: true });
      expect([tries, await count(), (await audited()).length]).toEqual([2, 2, 1]);
    });

    it.each([
      ['another name', { name: '다른 쿠폰' }],
      ['another total', { total: 6 }],
      ['a start', { startsAt: 0 }],
      ['an end', { endsAt: 4_000_000_000_000 }],
      ['an entry', { entry: { ...NO_ENTRY, requireEntry: true } }],
    ])('refuses the same key for %s', async (_what, change) => {
      await creator.create(input, BY_SERVICE, 'key');
      expect(await creator.create({ ...input, ...change }, BY_SERVICE, 'key')).toEqual({
        kind: 'idempotency-key-reused',
      });
      expect(await count()).toBe(2);
    });

    it('answers with what the campaign asked for when it was made, and takes no terms for the same as none', async () => {
      const entry = { requireEntry: true, challenge: 'proof-of-work', challengeCost: 500 } as const;
      await creator.create({ ...input, entry }, BY_SERVICE, 'asks');
      const again = await creator.create({ ...input, entry }, BY_SERVICE, 'asks');
      expect(again).toMatchObject({ kind: 'created', replayed: true, campaign: entry });
      // As the version before has stored it.
      await creator.create(input, BY_SERVICE, 'free');
      const free = await creator.create({ ...input, entry: NO_ENTRY }, BY_SERVICE, 'free');
      expect(free).toMatchObject({ kind: 'created', replayed: true, campaign: NO_ENTRY });
    });

    it('makes one campaign for each key, even if keys look alike, and for each call without a key', async () => {
      for (const key of ['key', 'Key', 'key ', 'k'.repeat(255), null, null]) {
        expect(await creator.create(input, BY_SERVICE, key)).toMatchObject({ kind: 'created', replayed: false });
      }
      expect(await count()).toBe(7);
    });

    it('keeps no key of a call that made nothing', async () => {
      expect(await creator.create({ ...input, endsAt: 1 }, BY_SERVICE, 'key')).toEqual({ kind: 'window-past' });
      expect(await creator.create(input, BY_SERVICE, 'key')).toMatchObject({ kind: 'created', replayed: false });
    });

    it('answers a second call with the campaign even if its window has passed by then', async () => {
      const now = jest.spyOn(stack.gate, 'now').mockResolvedValue(1_000);
      const window = { ...input, startsAt: 0, endsAt: 2_000 };
      const first = await creator.create(window, BY_SERVICE, 'key');
      now.mockResolvedValue(3_000);
      expect(told(await creator.create(window, BY_SERVICE, 'key'))).toEqual({ ...told(first), replayed: true });
      expect(await creator.create(window, BY_SERVICE, 'other')).toEqual({ kind: 'window-past' });
    });
  });

  it.each([
    ['before its start', { startsAt: 4_000_000_000_000, endsAt: 3_999_999_999_999 }, 'window-inverted'],
    ['at its start', { startsAt: 4_000_000_000_000, endsAt: 4_000_000_000_000 }, 'window-inverted'],
    ['before its start, both in the past', { startsAt: 2_000, endsAt: 1_000 }, 'window-inverted'],
    ['in the past', { startsAt: 1_000, endsAt: 2_000 }, 'window-past'],
    ['in the past, while it starts now', { startsAt: null, endsAt: 2_000 }, 'window-past'],
  ])('makes no campaign that ends %s', async (_what, window, kind) => {
    expect(await creator.create({ name: 'n', total: 5, ...window }, BY_SERVICE)).toEqual({ kind });
    expect(await audited()).toEqual([]);
  });

  it('makes the default campaign once when several processes start', async () => {
    await Promise.all([1, 2, 3].map(() => creator.createIfMissing('default', 'default', 100)));
    expect((await stored('default'))?.total).toBe(100);
    await creator.createIfMissing('default', 'default', 7);
    expect((await stored('default'))?.total).toBe(100);
  });

  it('keeps a campaign that the gate could not open, shows no stock of it, and leaves its opening to a rebuild', async () => {
    const back = gateAway();
    await watch.refresh();
    const campaign = await made({ name: 'n', total: 5, startsAt: 0, endsAt: null }, BY_SERVICE);
    expect(await stored(campaign.id)).toEqual(campaign);
    const catalogue = new CampaignCatalogue(stack.database, stack.gate, watch, systemClock);
    expect((await catalogue.view(campaign)).remaining).toBeNull();
    back();
    await rebuilderOf(stack).rebuild(pass.epoch);
    pass = await openPass(stack);
    expect((await gauge(campaign.id)).terms).toMatchObject({ total: 5, version: 1, state: 'OPEN' });
  });

  describe('between the commit of a campaign and its opening at the gate', () => {
    const create = async (happen: () => Promise<unknown>) => {
      const { database } = stack;
      const opened = jest.spyOn(stack.gate, 'openCampaign');
      const transaction = database.transaction.bind(database);
      let happened = false;
      database.transaction = async (work) => {
        const result = await transaction(work);
        if (!happened) {
          happened = true;
          await happen();
        }
        return result;
      };
      const campaign = await made({ name: 'n', total: 5, startsAt: 0, endsAt: null }, BY_SERVICE);
      return { campaign, opened };
    };

    it('a rebuild begins: the campaign is not opened under the epoch that has ended', async () => {
      const { opened } = await create(() =>
        stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000)),
      );
      expect(opened).not.toHaveBeenCalled();
    });

    it('a rebuild ends: it has opened the campaign, and nothing opens it a second time', async () => {
      const { campaign, opened } = await create(async () => {
        await rebuilderOf(stack).rebuild(pass.epoch);
        pass = await openPass(stack);
      });
      expect((await gauge(campaign.id)).terms).toMatchObject({ total: 5 });
      expect(opened).not.toHaveBeenCalled();
    });

    it('the database goes away: the campaign stays stored', async () => {
      const { campaign } = await create(() => {
        stack.database.transaction = () => Promise.reject(new DatabaseError('infrastructure', 'AWAY', 'away'));
        return Promise.resolve();
      });
      expect(await stored(campaign.id)).toEqual(campaign);
    });
  });

  it('opens a campaign at the gate under a share of the gate row, so that no rebuild can begin', async () => {
    const calls: string[] = [];
    const { database, gate } = stack;
    const transaction = database.transaction.bind(database);
    database.transaction = async (work) => {
      calls.push('begin');
      const result = await transaction((unit) => {
        const lockShared = unit.gate.lockShared.bind(unit.gate);
        unit.gate.lockShared = () => {
          calls.push('share');
          return lockShared();
        };
        return work(unit);
      });
      calls.push('end');
      return result;
    };
    const openCampaign = gate.openCampaign.bind(gate);
    gate.openCampaign = async (shown, terms) => {
      const answer = await openCampaign(shown, terms);
      calls.push(answer.kind);
      return answer;
    };
    await made({ name: 'n', total: 5, startsAt: 0, endsAt: null }, BY_SERVICE);
    expect(calls).toEqual(['begin', 'share', 'end', 'begin', 'share', 'opened', 'end']);
  });

  it('only stores a campaign during a rebuild: the opening transaction then opens it', async () => {
    await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
    const campaign = await made({ name: 'n', total: 5, startsAt: 0, endsAt: null }, BY_SERVICE);
    expect(await stored(campaign.id)).not.toBeNull();
    await expect(gauge(campaign.id)).rejects.toThrow('does not know');
  });
});
