import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type EmbeddedStack, openEmbeddedStack, storeCampaign } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { BY_SERVICE, type CallOrigin } from '../../platform/identity/actor.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type CouponPosition } from '../../ports/database/coupon-store.js';
import { CampaignCoupons } from './campaign-coupons.js';

const COUPONS = 1_300;

describe('the coupons of a campaign', () => {
  let stack: EmbeddedStack;
  let clock: SetClock;
  let coupons: CampaignCoupons;
  /** Reads of the database so far. */
  let reads: number;
  /** Pauses so far, ms. */
  let pauses: number[];
  let broken: boolean;
  let revoked: boolean;

  const issue = (from: number, to: number) =>
    stack.database.transaction((unit) =>
      unit.coupons.insert(
        Array.from({ length: to - from }, (_, n) => ({
          campaignId: 'sale',
          userId: `u${from + n}`,
          claimId: ulid(),
          code: ulid(),
          sequence: from + n + 1,
          claimedAt: 1_000 + Math.floor((from + n) / 700),
          idempotencyDigest: null,
          createdAt: 5_000,
        })),
      ),
    );

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'sale', total: COUPONS + 1 });
    await issue(0, COUPONS);
    reads = 0;
    pauses = [];
    broken = false;
    revoked = false;
    clock = new SetClock();
    const timers = new SetTimers(clock);
    timers.sleep = (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    };
    const read = stack.database.read.bind(stack.database);
    stack.database.read = (work) => {
      reads += 1;
      clock.pass(7);
      return broken ? Promise.reject(new DatabaseError('infrastructure', 'ECONNREFUSED', 'away')) : read(work);
    };
    coupons = new CampaignCoupons(stack.database, clock, timers);
  });
  afterEach(() => stack.close());

  const sequencesOf = (piece: string) =>
    piece
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
  const start = async () => {
    const pieces = await coupons.export(
      { campaignId: 'sale' },
      'ndjson',
      { withCodes: true, withClaimIds: true },
      BY_SERVICE,
      () => (revoked ? Promise.reject(new Error('revoked')) : Promise.resolve()),
    );
    if (pieces === null) throw new Error('there is a campaign');
    return pieces[Symbol.asyncIterator]();
  };

  describe('as an export', () => {
    it('holds every coupon once, also where a page ends among claims of one millisecond', async () => {
      const pieces = await start();
      const sequences: number[] = [];
      for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
        sequences.push(...sequencesOf(piece.value as string));
      }
      expect(sequences).toEqual(Array.from({ length: COUPONS }, (_, index) => index + 1));
      expect(reads).toBe(7);
    });

    it('leaves claims as much time as it takes', async () => {
      const pieces = await start();
      while ((await pieces.next()).done !== true);
      expect(pauses).toEqual([7, 7, 7, 7, 7, 7]);
    });

    it('reads a page only when its reader has taken the one before', async () => {
      const pieces = await start();
      expect(reads).toBe(0);
      await pieces.next();
      expect(reads).toBe(1);
    });

    it('holds no coupon that was issued after its call', async () => {
      const pieces = await start();
      await pieces.next();
      await issue(COUPONS, COUPONS + 1);
      let last = '';
      for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
        last = piece.value as string;
      }
      expect(sequencesOf(last).at(-1)).toBe(COUPONS);
    });

    it('reads nothing more once its caller may not have it', async () => {
      const pieces = await start();
      await pieces.next();
      revoked = true;
      await expect(pieces.next()).rejects.toThrow('revoked');
      expect(reads).toBe(1);
    });

    it('fails where the database fails in between, and does not end as if it were whole', async () => {
      const pieces = await start();
      await pieces.next();
      broken = true;
      await expect(pieces.next()).rejects.toThrow(DatabaseError);
    });
  });

  describe('as a list', () => {
    const by = (id: string, address: string): CallOrigin => ({ actor: { id, name: id }, requestId: null, address });
    const lines = async () => {
      const rows = await stack.database.read((unit) => unit.audit.list({ limit: 10, action: 'coupons.list' }));
      return rows.map(({ by: { actor, address }, campaignId, detail }) => [actor.id, address, campaignId, detail]);
    };
    const list = (shownTo: CallOrigin | null, filter: object = {}, after?: CouponPosition) =>
      coupons.list({ campaignId: 'sale', ...filter }, 2, after, shownTo);

    it('leaves a line in the audit log where it shows codes, wherever it begins', async () => {
      await list(null);
      await list(by('nobody', '::1'), { userId: 'nobody' });
      expect(await lines()).toEqual([]);
      await list(by('kim', '192.0.2.1'), {}, { claimedAt: 1_001, sequence: 900, id: 1 });
      await list(by('kim', '192.0.2.1'), { userId: 'u5' });
      expect(await lines()).toEqual([
        ['kim', '192.0.2.1', 'sale', { userId: 'u5' }],
        ['kim', '192.0.2.1', 'sale', {}],
      ]);
    });

    it('leaves one line in ten minutes, page after page, for each caller and address', async () => {
      for (const [id, address] of [
        ['kim', '192.0.2.1'],
        ['kim', '192.0.2.1'],
        ['kim', '192.0.2.2'],
        ['lee', '192.0.2.1'],
      ] as const) {
        await list(by(id, address));
      }
      expect(await lines()).toHaveLength(3);
      clock.pass(600_000);
      await list(by('kim', '192.0.2.1'));
      expect(await lines()).toHaveLength(4);
    });
  });
});
