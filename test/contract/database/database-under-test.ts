import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { type QueryRunner } from 'typeorm';
import { ulid } from 'ulid';
import { type Campaign } from '../../../src/domain/campaign.js';
import { type NewCoupon } from '../../../src/ports/database/coupon-store.js';
import { type DatabaseError } from '../../../src/ports/database/database-error.js';
import { type Database, type UnitOfWork } from '../../../src/ports/database/database.js';
import { type ClaimLog } from '../../../src/ports/log/claim-log.js';
import { claimEvent } from '../../support/claims.js';

/** What differs between databases. */
export interface DatabaseHarness {
  readonly database: Database;
  /** The log, if it shares the file with the database: its acknowledgements must not depend on a unit of work. */
  readonly log?: ClaimLog;
  /** Runs one statement without the stores, to set clocks and to read bytes. It has to be valid in both databases. */
  execute(sql: string, parameters?: unknown[]): Promise<unknown>;
  /** Calls `work` with the query runner that a migration gets. */
  withRunner(work: (runner: QueryRunner) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** A test throws this to roll its work back. */
export class Undo extends Error {}

/** The parts of the contract use this: the database of the adapter, and a new campaign for each test. */
export interface DatabaseUnderTest {
  readonly harness: DatabaseHarness;
  readonly database: Database;
  /** The id of this test's campaign. */
  readonly campaignId: string;
  write<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  insertCampaign(over?: Partial<Campaign>): Promise<Campaign>;
  coupon(over?: Partial<NewCoupon>): NewCoupon;
  /** @returns the kind of the database's refusal of the work. */
  kindOf(work: Promise<unknown>): Promise<string>;
}

/** Opens the adapter for the suite that calls it. */
export function databaseUnderTest(openHarness: () => Promise<DatabaseHarness>): DatabaseUnderTest {
  let harness: DatabaseHarness;
  let database: Database;
  let campaignId: string;

  const write = <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => database.transaction(work);
  const read = <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => database.read(work);
  const insertCampaign = (over: Partial<Campaign> = {}): Promise<Campaign> =>
    write(({ campaigns }) =>
      campaigns.insert({
        id: ulid(),
        name: '쿠폰 🎟️',
        total: 100,
        startsAt: 0,
        endsAt: null,
        state: 'OPEN',
        ...over,
      }),
    );
  const coupon = (over: Partial<NewCoupon> = {}): NewCoupon => {
    const { claimId, userId, sequence, claimedAt } = claimEvent();
    return {
      campaignId,
      userId,
      claimId,
      code: ulid(),
      sequence,
      claimedAt,
      idempotencyDigest: null,
      createdAt: 1_764_000_000_456,
      ...over,
    };
  };
  const kindOf = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    if (error === null) return 'nothing was refused';
    if (error.name !== 'DatabaseError') throw error;
    return (error as DatabaseError).kind;
  };

  beforeAll(async () => {
    harness = await openHarness();
    database = harness.database;
  });
  beforeEach(async () => {
    campaignId = (await insertCampaign()).id;
  });
  afterAll(() => harness.close());

  return {
    get harness() {
      return harness;
    },
    get database() {
      return database;
    },
    get campaignId() {
      return campaignId;
    },
    write,
    read,
    insertCampaign,
    coupon,
    kindOf,
  };
}
