import { randomBytes } from 'node:crypto';
import { type QueryRunner } from 'typeorm';
import { ulid } from 'ulid';
import { NO_ENTRY } from '../../src/domain/campaign.js';
import { SqlSession } from '../../src/infrastructure/sql/sql-session.js';
import { SqlUnitOfWork } from '../../src/infrastructure/sql/sql-unit-of-work.js';
import { BY_SERVICE } from '../../src/platform/identity/actor.js';
import { type UnitOfWork } from '../../src/ports/database/database.js';
import { FAILED_EVENT_STATUSES } from '../../src/ports/database/failed-event-store.js';
import { claimEvent } from './claims.js';

/** One statement as a store has sent it. */
export interface Statement {
  /** The call that sent it, as `store.method`. */
  readonly of: string;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type Ask = (sql: string, parameters?: readonly unknown[]) => Promise<unknown>;

/** The campaign that the calls ask about. The caller has stored it, and others. */
export const ASKED = 'asked';

type Calls = {
  readonly [Store in Exclude<keyof UnitOfWork, 'now' | 'describe'>]: {
    /** A method of a store that is missing here does not compile. */
    readonly [Method in keyof UnitOfWork[Store]]: (store: UnitOfWork[Store]) => Promise<unknown>;
  };
};

const HOUR_MS = 3_600_000;
const failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: '' };
const claim = () => claimEvent({ campaignId: ASKED });
const coupon = () => ({ ...claim(), code: ulid(), createdAt: 1 });
const campaign = () => ({ id: ulid(), name: 'c', total: 5, startsAt: 0, endsAt: null, state: 'OPEN' as const });
const APPROVAL = 'an-approval';
const approval = () => ({
  id: ulid(),
  action: 'campaign.close' as const,
  subject: ASKED,
  campaignId: ASKED,
  neededRole: 'operator' as const,
  order: {},
  consequences: {},
  requestedBy: { id: 'k', name: 'k' },
});
const DRAFT = 'a-draft';
const draft = () => ({ id: ulid(), name: 'd', total: 5, startsAt: 0, endsAt: null, ...NO_ENTRY });
const some = Array.from({ length: 500 }, (_, index) => `u${index}`);
const claimIds = some.map(() => ulid());

/** Every call of every store, with each of its filters. */
const CALLS: Calls = {
  gate: {
    read: (gate) => gate.read(),
    lastOpen: (gate) => gate.lastOpen(),
    lockShared: (gate) => gate.lockShared(),
    lockExclusive: (gate) => gate.lockExclusive(),
    beginEpoch: (gate) => gate.beginEpoch('builder', 9, 1),
    renewLease: (gate) => gate.renewLease('builder', 9, 1),
    giveLeaseBack: (gate) => gate.giveLeaseBack('builder', 9),
    open: (gate) => gate.open(9, 'fence'),
    storeCut: (gate) => gate.storeCut({ epoch: 9, offsets: new Map([[0, 1]]) }),
    cutAbove: (gate) => gate.cutAbove(1),
    epochsWithCut: (gate) => gate.epochsWithCut(),
    demandSignatures: async (gate) => {
      await gate.demandSignatures(false);
      await gate.demandSignatures(true);
    },
  },
  campaigns: {
    find: (campaigns) => campaigns.find(ASKED),
    findMany: (campaigns) => campaigns.findMany([ASKED, 'other']),
    lock: (campaigns) => campaigns.lock([ASKED, 'other']),
    list: async (campaigns) => {
      await campaigns.list(50);
      await campaigns.list(50, { createdAt: 5, id: 'x' });
    },
    listAtGate: (campaigns) => campaigns.listAtGate(ASKED, 200),
    listEnded: (campaigns) => campaigns.listEnded(5, ASKED, 50),
    listClosed: (campaigns) => campaigns.listClosed(5, ASKED, 50),
    listUncleared: (campaigns) => campaigns.listUncleared(50),
    markLeft: (campaigns) => campaigns.markLeft(ASKED),
    markCleared: (campaigns) => campaigns.markCleared(ASKED),
    requiringEntry: (campaigns) => campaigns.requiringEntry(),
    insert: (campaigns) => campaigns.insert(campaign()),
    update: (campaigns) => campaigns.update(ASKED, { total: 9_000_000 }, 2),
    addIssued: (campaigns) => campaigns.addIssued(ASKED, 1, 1),
    markOpened: (campaigns) => campaigns.markOpened(ASKED, 1),
  },
  approvals: {
    insert: (approvals) => approvals.insert(approval(), HOUR_MS),
    find: (approvals) => approvals.find('a'),
    lock: async (approvals) => {
      await approvals.insert({ ...approval(), id: APPROVAL }, HOUR_MS);
      await approvals.lock(APPROVAL);
    },
    list: async (approvals) => {
      for (const filter of [{}, { beforeId: '0' }, { status: 'PENDING' as const }]) {
        await approvals.list({ limit: 51, ...filter });
      }
    },
    overdue: (approvals) => approvals.overdue(50),
    decide: (approvals) => approvals.decide(APPROVAL, { status: 'REJECTED', by: null, outcome: null }),
    setOutcome: (approvals) => approvals.setOutcome(APPROVAL, {}),
  },
  drafts: {
    find: (drafts) => drafts.find(ASKED),
    lock: async (drafts) => {
      await drafts.insert({ ...draft(), id: DRAFT });
      await drafts.lock(DRAFT);
    },
    list: async (drafts) => {
      await drafts.list(50);
      await drafts.list(50, { createdAt: 5, id: 'x' });
    },
    insert: (drafts) => drafts.insert(draft()),
    update: (drafts) => drafts.update(DRAFT, { total: 6 }, 2),
    delete: (drafts) => drafts.delete(DRAFT),
  },
  creations: {
    find: (creations) => creations.find('digest'),
    insert: (creations) =>
      creations.insert({ keyDigest: ulid(), requestDigest: 'digest', campaign: campaign(), at: 1 } as never),
  },
  coupons: {
    insert: (coupons) => coupons.insert([coupon(), coupon()]),
    find: (coupons) => coupons.find(ASKED, 'u1'),
    findByClaimOrCode: (coupons) => coupons.findByClaimOrCode('nothing'),
    findByUsers: (coupons) => coupons.findByUsers(some.map((userId) => ({ campaignId: ASKED, userId }))),
    listByUser: async (coupons) => {
      await coupons.listByUser('u1', 50);
      await coupons.listByUser('u1', 50, 99);
    },
    listByCampaign: async (coupons) => {
      const after = { claimedAt: 9, sequence: 5, id: 7 };
      for (const filter of [{}, { userId: 'u1' }, { from: 5 }, { from: 5, to: 1_000_000 }, { lastId: 1_000_000 }]) {
        for (const order of ['oldest-first', 'newest-first'] as const) {
          await coupons.listByCampaign({ campaignId: ASKED, ...filter }, order, 50);
          await coupons.listByCampaign({ campaignId: ASKED, ...filter }, order, 50, after);
        }
      }
    },
    listIssuedOf: (coupons) => coupons.listIssuedOf(ASKED, { claimedAt: 9, sequence: 5, id: 7 }, 2_000),
    // Small ones, and as many as a rebuild asks for at once.
    listIssuedOfAll: (coupons) => coupons.listIssuedOfAll(Array.from({ length: 500 }, (_, index) => `c${index}`)),
    count: (coupons) => coupons.count(ASKED),
    lastId: (coupons) => coupons.lastId(),
    countNext: (coupons) => coupons.countNext(ASKED, 'u5', 2_000, 1_000_000_000),
  },
  failedEvents: {
    addUnpublished: (events) => events.addUnpublished([{ claim: claim(), source: 'API', failure }]),
    quarantine: async (events) => {
      const record = { topic: 't', partition: 0, offset: 1, key: null, value: null, headers: {} };
      const known = claim();
      for (const again of [known, known, null]) await events.quarantine([{ record, claim: again, failure }]);
    },
    proveWritable: (events) => events.proveWritable(),
    statusesOf: (events) => events.statusesOf(claimIds),
    existOf: (events) => events.existOf([ASKED, 'other']),
    resolve: async (events) => {
      const resolved = claim();
      await events.addUnpublished([{ claim: resolved, source: 'API', failure }]);
      await events.resolve([resolved.claimId]);
    },
    lease: (events) => events.lease('owner', 500, 60_000, Number.MAX_SAFE_INTEGER),
    finishLease: async (events) => {
      const ids = (await events.lease('finished', 50, 60_000, null)).map(({ id }) => id);
      await events.finishLease('finished', ids, { kind: 'published' });
    },
    openClaimsAfter: async (events) => {
      await events.openClaimsAfter(0, 2_000);
      await events.openClaimsAfter(5, 2_000);
    },
    highestSequences: (events) => events.highestSequences([ASKED, 'other', 'nothing']),
    hasUnfinished: (events) => events.hasUnfinished(ASKED),
    countUnproven: (events) => events.countUnproven(),
    countSlotHolders: (events) => events.countSlotHolders(ASKED),
    slotHolders: (events) => events.slotHolders(ASKED, 501),
    findByClaimIds: (events) => events.findByClaimIds(claimIds),
    findByUser: (events) => events.findByUser(ASKED, 'u7'),
    messageOf: (failedEvents) => failedEvents.messageOf(1),
    find: (events) => events.find(7),
    lock: (events) => events.lock(7),
    list: async (events) => {
      for (const status of [undefined, ...FAILED_EVENT_STATUSES]) {
        for (const campaignId of [undefined, ASKED]) {
          for (const beforeId of [undefined, 1_000_000]) {
            await events.list({
              limit: 51,
              ...(status === undefined ? {} : { status }),
              ...(campaignId === undefined ? {} : { campaignId }),
              ...(beforeId === undefined ? {} : { beforeId }),
            });
          }
        }
      }
    },
    count: async (events) => {
      await events.count({ status: 'DEAD' });
      await events.count({ status: 'DEAD', campaignId: ASKED });
    },
    requeue: (events) => events.requeue(7, null),
    discard: (events) => events.discard(7, 'why'),
    unreleased: async (events) => {
      await events.unreleased(500);
      await events.unreleased(500, 7);
    },
    markReleased: (events) => events.markReleased(7),
    pruneResolved: async (events) => {
      const { next } = await events.pruneResolved(HOUR_MS, 500, null);
      await events.pruneResolved(HOUR_MS, 500, next);
    },
    emptyDiscarded: (events) => events.emptyDiscarded(HOUR_MS, 500),
    countByStatus: async (events) => {
      await events.countByStatus();
      await events.countByStatus(ASKED);
    },
  },
  audit: {
    has: (audit) => audit.has('a', 's'),
    record: (audit) => audit.record({ action: 'a', subject: 's', campaignId: ASKED, by: BY_SERVICE, detail: {} }),
    list: async (audit) => {
      const filters = [
        {},
        { beforeId: 999 },
        { actor: 'service' },
        { action: 'a' },
        { campaignId: ASKED },
        { from: 100, to: 200 },
        { from: 100, to: 200, actor: 'service' },
      ];
      for (const filter of filters) {
        await audit.list({ limit: 51, ...filter });
      }
    },
  },
  installationKeys: {
    secretFor: (keys) => keys.secretFor('coupon-code'),
    keysFor: (keys) => keys.keysFor('event'),
    add: (keys) => keys.add('event', randomBytes(32)),
    retire: async (keys) => {
      await keys.add('event', randomBytes(32));
      await keys.retire('event', (await keys.keysFor('event'))[1]?.id ?? '');
    },
  },
  refusals: {
    insertMissing: (refusals) => {
      const refusal = { campaignId: ASKED, userId: 'u1', code: 'sold-out', refusedAt: 1, requestId: 'r' } as const;
      return refusals.insertMissing([refusal, refusal]);
    },
    listByUser: (refusals) => refusals.listByUser('u1', 50),
    countAtMost: (refusals) => refusals.countAtMost(),
    prune: (refusals) => refusals.prune(HOUR_MS, 500),
  },
  apiKeys: {
    insert: (keys) =>
      keys.insert({ id: ulid(), name: 'k', role: 'admin', secretDigest: 's', createdBy: 'bootstrap', expiresAt: null }),
    findMany: (keys) => keys.findMany(['k', 'l']),
    list: async (keys) => {
      await keys.list(51);
      await keys.list(51, 'k');
    },
    revoke: (keys) => keys.revoke('k'),
    noteUse: (keys) => keys.noteUse('k'),
  },
};

/**
 * Calls everything that the stores can do, on `runner`, and looks at each statement that they send.
 *
 * @param look gets each statement in place of the database: `run` runs it, `ask` runs another one beside it.
 */
export async function lookAtEveryStatement(
  runner: QueryRunner,
  look: (statement: Statement, run: () => Promise<unknown>, ask: Ask) => Promise<unknown>,
): Promise<void> {
  const unit = new SqlUnitOfWork(new SqlSession(runner));
  const query = runner.query.bind(runner) as (...call: unknown[]) => Promise<unknown>;
  let of = '';
  runner.query = ((sql: string, parameters: unknown[] = [], structured?: boolean) =>
    look({ of, sql, parameters }, () => query(sql, parameters, structured), query as Ask)) as QueryRunner['query'];
  try {
    for (const [store, methods] of Object.entries(CALLS)) {
      for (const [method, call] of Object.entries(methods as Record<string, (store: unknown) => Promise<unknown>>)) {
        of = `${store}.${method}`;
        await call(unit[store as keyof Calls]);
      }
    }
  } finally {
    runner.query = query as QueryRunner['query'];
  }
}
