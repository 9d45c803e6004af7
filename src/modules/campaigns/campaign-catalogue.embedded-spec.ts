import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BY_SERVICE } from '../../platform/identity/actor.js';
import { administrationOf } from '../../../test/support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetClock } from '../../../test/support/flow.js';
import { watchOf } from '../../../test/support/recovery.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type GatePass, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type EpochWatch } from '../gate-watch/epoch-watch.js';
import { CampaignCatalogue, type CampaignCursor } from './campaign-catalogue.js';

const CAMPAIGNS = 900;

describe('the catalogue of campaigns', () => {
  let stack: EmbeddedStack;
  let watch: EpochWatch;
  let pass: GatePass;
  let catalogue: CampaignCatalogue;
  /** ms, monotonic. */
  let clock: SetClock;
  /** Reads of the database so far. */
  let reads: number;
  /** Campaigns that the gate was asked about so far. */
  let asked: string[];

  const id = (number: number) => `c-${String(number).padStart(4, '0')}`;
  const claim = (campaignId: string, userId: string) =>
    stack.gate.claim(pass, { campaignId, userId, claimId: `${campaignId}-${userId}`, idempotencyDigest: null });

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await stack.database.transaction(async (unit) => {
      for (let number = 0; number < CAMPAIGNS; number++) {
        await unit.campaigns.insert({
          id: id(number),
          name: '쿠폰',
          total: 10,
          startsAt: 0,
          endsAt: null,
          state: 'OPEN',
        });
      }
    });
    pass = await openEpoch(stack, 10);
    watch = watchOf(stack);
    await watch.refresh();
    clock = new SetClock();
    catalogue = new CampaignCatalogue(stack.database, stack.gate, watch, clock);
    reads = 0;
    const read = stack.database.read.bind(stack.database);
    stack.database.read = (work) => {
      reads += 1;
      return read(work);
    };
    asked = [];
    const gauge = stack.gate.gauge.bind(stack.gate);
    stack.gate.gauge = (someone, ids) => {
      asked.push(...ids);
      return gauge(someone, ids);
    };
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await stack.close();
  });

  const mostAsked = () => Math.max(...[...new Set(asked)].map((one) => asked.filter((other) => other === one).length));

  it('reads a campaign once a second for all who look at it', async () => {
    const views = await Promise.all(Array.from({ length: 100 }, () => catalogue.find(id(7))));
    expect(new Set(views).size).toBe(1);
    expect(views[0]).toMatchObject({ campaign: { id: id(7) }, state: 'OPEN', remaining: 10 });
    expect([reads, asked]).toEqual([1, [id(7)]]);
    await claim(id(7), 'alice');
    clock.pass(1_000);
    expect((await catalogue.find(id(7)))?.remaining).toBe(10);
    expect(reads).toBe(1);
    clock.pass(1);
    expect((await catalogue.find(id(7)))?.remaining).toBe(9);
    expect([reads, asked]).toEqual([2, [id(7), id(7)]]);
  });

  it('remembers for a second that a campaign does not exist', async () => {
    expect(await catalogue.find('nothing')).toBeNull();
    expect(await catalogue.find('nothing')).toBeNull();
    expect(reads).toBe(1);
    await storeCampaign(stack, { id: 'nothing' });
    clock.pass(1_001);
    expect((await catalogue.find('nothing'))?.campaign.id).toBe('nothing');
  });

  it('tells a repeated creation the whole stock, also before the first one has opened the campaign at the gate', async () => {
    const campaign = await storeCampaign(stack, { id: 'young', total: 5 });
    expect((await catalogue.find('young'))?.remaining).toBeNull();
    expect(catalogue.viewAsReplayed(campaign, 0)).toEqual({ campaign, state: 'OPEN', remaining: 5 });
    watch.reportFence(pass.epoch, 'fence-missing');
    expect(catalogue.viewAsReplayed(campaign, 0).remaining).toBeNull();
  });

  it('asks the gate about a campaign once a second, whatever pages are looked at', async () => {
    const pages = await Promise.all([
      ...Array.from({ length: 50 }, () => catalogue.list(700)),
      ...Array.from({ length: 50 }, (_, at) => catalogue.list(at + 1)),
    ]);
    expect(pages[0]?.rows).toHaveLength(700);
    expect(new Set(pages.slice(0, 50)).size).toBe(1);
    expect(asked).toHaveLength(700);
    expect(mostAsked()).toBe(1);
    const readsForAll = reads;
    expect(readsForAll).toBeLessThanOrEqual(3);
    const { next } = await catalogue.list(700);
    expect((await catalogue.list(700, next as CampaignCursor)).rows).toHaveLength(200);
    expect(asked).toHaveLength(CAMPAIGNS);
    expect(reads).toBe(readsForAll);
    clock.pass(1_001);
    await catalogue.list(50);
    expect(asked).toHaveLength(CAMPAIGNS + 50);
  });

  it('lists every campaign once, newest first, on pages of any size, and from any cursor as the database does', async () => {
    const seen: string[] = [];
    let next: CampaignCursor | null = null;
    do {
      const page: Awaited<ReturnType<CampaignCatalogue['list']>> = await catalogue.list(77, next ?? undefined);
      seen.push(...page.rows.map(({ campaign }) => campaign.id));
      next = page.next;
    } while (next !== null);
    const stored = await stack.database.read((unit) => unit.campaigns.list(CAMPAIGNS));
    expect(seen).toEqual(stored.map((campaign) => campaign.id));
    const [newest, oldest] = [stored[0], stored.at(-1)];
    for (const cursor of [
      { createdAt: (newest?.createdAt ?? 0) + 1, id: 'a' },
      { createdAt: newest?.createdAt ?? 0, id: 'zzz' },
      { createdAt: stored[600]?.createdAt ?? 0, id: stored[600]?.id ?? '' },
      { createdAt: stored[600]?.createdAt ?? 0, id: 'c-0600a' },
      { createdAt: oldest?.createdAt ?? 0, id: oldest?.id ?? '' },
      { createdAt: 0, id: 'a' },
    ]) {
      const expected = await stack.database.read((unit) => unit.campaigns.list(5, cursor));
      const { rows: views } = await catalogue.list(5, cursor);
      expect(views.map(({ campaign }) => campaign.id)).toEqual(expected.map((campaign) => campaign.id));
    }
  });

  it('shows a change of this process at once, also while an older picture is being read', async () => {
    const administration = administrationOf(stack, watch);
    await catalogue.find(id(3));
    await catalogue.list(10);
    clock.pass(1_001);
    const [older, olderList] = [catalogue.find(id(3)), catalogue.list(10)];
    const outcome = await administration.change(id(3), { name: 'changed', total: 20 }, () => true, BY_SERVICE);
    if (outcome.kind !== 'done') throw new Error(outcome.kind);
    expect(await catalogue.view(outcome.campaign)).toMatchObject({ campaign: { version: 2 }, remaining: 20 });
    await Promise.all([older, olderList]);
    expect(await catalogue.find(id(3))).toMatchObject({ campaign: { name: 'changed', version: 2 }, remaining: 20 });
    await storeCampaign(stack, { id: 'newest' });
    catalogue.forget('newest');
    expect((await catalogue.list(10)).rows[0]?.campaign.id).toBe('newest');
  });

  it('shows `remaining` as null exactly while the gate cannot be trusted', async () => {
    const remaining = async () => [
      (await catalogue.list(1)).rows[0]?.remaining,
      (await catalogue.find(id(1)))?.remaining,
    ];
    expect(await remaining()).toEqual([10, 10]);
    watch.reportFence(10, 'fence-missing');
    expect(await remaining()).toEqual([null, null]);
    await openEpoch(stack, 11);
    await watch.refresh();
    expect(await remaining()).toEqual([10, 10]);
    stack.gate.gauge = () => Promise.reject(new GateUnavailableError('away'));
    clock.pass(1_001);
    expect((await catalogue.list(1)).rows[0]?.remaining).toBeNull();
    expect((await catalogue.find(id(1)))?.remaining).toBeNull();
  });

  it('does not remember that the database was away', async () => {
    const { read } = stack.database;
    stack.database.read = () => Promise.reject(new DatabaseError('infrastructure', 'AWAY', 'away'));
    await expect(catalogue.find(id(1))).rejects.toThrow('away');
    await expect(catalogue.list(1)).rejects.toThrow('away');
    stack.database.read = read;
    expect((await catalogue.find(id(1)))?.campaign.id).toBe(id(1));
    expect((await catalogue.list(1)).rows).toHaveLength(1);
  });

  it('keeps few of many invented campaigns, and reads each of them anyway', async () => {
    for (let number = 0; number < 10_050; number++) await catalogue.find(`invented-${number}`);
    expect(reads).toBe(10_050);
    const { size } = (catalogue as unknown as { single: ReadonlyMap<string, unknown> }).single;
    expect(size).toBe(10_000);
  });

  it('keeps the campaign that callers look at while others invent ids', async () => {
    for (let number = 0; number < 10_050; number++) {
      if (number % 1_000 === 0) await catalogue.find(id(1));
      await catalogue.find(`invented-${number}`);
    }
    await catalogue.find(id(1));
    expect(reads).toBe(10_051);
  });
});
