import { beforeAll, describe, expect, it } from '@jest/globals';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

export function describeGateRowStore(under: DatabaseUnderTest): void {
  describe('the gate row', () => {
    const { write, read, kindOf } = under;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ harness } = under);
    });

    it('takes a lease under a new epoch, prolongs it for its builder only, and opens', async () => {
      const epoch = 1_800_000_000 + Math.floor(Math.random() * 1_000_000);
      await write(async ({ gate }) => {
        await gate.lockExclusive();
        await gate.beginEpoch('one', epoch, 10_000);
      });
      const begun = await read(async (unit) => ({ row: await unit.gate.read(), now: await unit.now() }));
      expect(begun.row).toMatchObject({ epoch, fence: null, builder: 'one' });
      expect((begun.row.leaseUntil ?? 0) - begun.now).toBeGreaterThan(5_000);
      expect((begun.row.leaseUntil ?? 0) - begun.now).toBeLessThanOrEqual(10_000);

      const renew = (builder: string, of: number) => write(({ gate }) => gate.renewLease(builder, of, 60_000));
      expect(await renew('one', epoch)).toBe(true);
      expect(await renew('one', epoch)).toBe(true);
      expect(await renew('two', epoch)).toBe(false);
      expect(await renew('one', epoch - 1)).toBe(false);
      expect((await read(({ gate }) => gate.read())).leaseUntil).toBeGreaterThan(begun.row.leaseUntil ?? 0);

      const taken = await read(({ gate }) => gate.read());
      await write(({ gate }) => gate.giveLeaseBack('two', epoch));
      await write(({ gate }) => gate.giveLeaseBack('one', epoch - 1));
      expect(await read(({ gate }) => gate.read())).toEqual(taken);

      await write(({ gate }) => gate.open(epoch - 1, 'wrong epoch'));
      expect((await read(({ gate }) => gate.read())).fence).toBeNull();
      await write(({ gate }) => gate.open(epoch, 'fence'));
      const { installation, signedSince } = begun.row;
      const open = { epoch, fence: 'fence', builder: null, leaseUntil: null, installation, signedSince };
      expect(await read(({ gate }) => gate.read())).toEqual(open);
      expect(await write(({ gate }) => gate.lockShared())).toEqual(open);
      expect(await write(({ gate }) => gate.lockExclusive())).toEqual(open);
      expect(await renew('one', epoch)).toBe(false);

      await write(({ gate }) => gate.beginEpoch('three', epoch + 1, 1_000));
      expect(await read(({ gate }) => gate.read())).toMatchObject({ epoch: epoch + 1, fence: null });
    });

    it('has no builder after the lease was given back, and stays open if it was open', async () => {
      const epoch = 1_850_000_000 + Math.floor(Math.random() * 1_000_000);
      await write(({ gate }) => gate.beginEpoch('one', epoch, 10_000));
      await write(({ gate }) => gate.giveLeaseBack('one', epoch));
      const given = await read(async (unit) => ({ row: await unit.gate.read(), now: await unit.now() }));
      expect(given.row).toMatchObject({ epoch, fence: null, builder: null });
      expect(given.row.leaseUntil).toBeLessThanOrEqual(given.now);
      expect(given.now - (given.row.leaseUntil ?? 0)).toBeLessThan(5_000);
      expect(await write(({ gate }) => gate.renewLease('one', epoch, 10_000))).toBe(false);

      await write(async ({ gate }) => {
        await gate.beginEpoch('one', epoch + 1, 10_000);
        await gate.open(epoch + 1, 'fence');
      });
      await write(({ gate }) => gate.giveLeaseBack('one', epoch + 1));
      const { installation, signedSince } = given.row;
      const open = { epoch: epoch + 1, fence: 'fence', builder: null, leaseUntil: null, installation, signedSince };
      expect(await read(({ gate }) => gate.read())).toEqual(open);
    });

    it('knows the epoch that was open last, also through builds that never opened', async () => {
      const epoch = 1_860_000_000 + Math.floor(Math.random() * 1_000_000);
      const lastOpen = () => read(({ gate }) => gate.lastOpen());
      await write(async ({ gate }) => {
        await gate.beginEpoch('one', epoch, 10_000, await gate.lastOpen());
        await gate.open(epoch, 'fence');
      });
      expect(await lastOpen()).toBe(epoch);
      for (const next of [epoch + 1, epoch + 2]) {
        await write(async ({ gate }) => gate.beginEpoch('two', next, 10_000, await gate.lastOpen()));
        expect(await lastOpen()).toBe(epoch);
        await write(({ gate }) => gate.giveLeaseBack('two', next));
        expect(await lastOpen()).toBe(epoch);
      }
      await write(({ gate }) => gate.open(epoch + 2, 'fence'));
      expect(await lastOpen()).toBe(epoch + 2);
      await write(({ gate }) => gate.beginEpoch('one', epoch + 3, 10_000));
      expect(await lastOpen()).toBe(0);
    });

    it('does not know the epoch that was open last after a version before has begun one', async () => {
      const epoch = 1_870_000_000 + Math.floor(Math.random() * 1_000_000);
      await write(({ gate }) => gate.beginEpoch('new', epoch, 10_000, epoch - 1));
      // What the version before writes.
      await harness.execute("UPDATE gate SET epoch = ?, script_sha = NULL, builder = 'old'", [epoch + 1]);
      expect(await read(({ gate }) => gate.lastOpen())).toBe(0);
      await harness.execute("UPDATE gate SET script_sha = 'fence'");
      expect(await read(({ gate }) => gate.lastOpen())).toBe(epoch + 1);
    });

    it('counts as a failure of the database when it is missing', async () => {
      const { installation } = await read(({ gate }) => gate.read());
      await harness.execute('DELETE FROM gate');
      try {
        expect(await kindOf(read(({ gate }) => gate.read()))).toBe('infrastructure');
        expect(await kindOf(write(({ gate }) => gate.lockShared()))).toBe('infrastructure');
        expect(await kindOf(write(({ gate }) => gate.lockExclusive()))).toBe('infrastructure');
      } finally {
        await harness.execute('INSERT INTO gate (id, epoch) VALUES (1, 0)');
        expect(await kindOf(read(({ gate }) => gate.read()))).toBe('infrastructure');
        await harness.execute('UPDATE gate SET installation_id = ?', [installation]);
      }
    });

    it('finds the cut of the lowest epoch above, with or without partitions', async () => {
      const base = 2_000_000_000;
      expect(await read(({ gate }) => gate.cutAbove(base))).toBeNull();
      const cut = (epoch: number, offsets: [number, number][]) =>
        write(({ gate }) => gate.storeCut({ epoch, offsets: new Map(offsets) }));
      await cut(base + 20, [
        [0, 7],
        [11, 9_007_199_254_740_991],
      ]);
      await cut(base + 10, []);
      const above = (epoch: number) => read(({ gate }) => gate.cutAbove(epoch));
      expect(await above(base)).toEqual({ epoch: base + 10, offsets: new Map() });
      expect(await above(base + 10)).toEqual({
        epoch: base + 20,
        offsets: new Map([
          [0, 7],
          [11, 9_007_199_254_740_991],
        ]),
      });
      expect(await above(base + 20)).toBeNull();
      expect(await kindOf(cut(base + 10, []))).toBe('duplicate');
      const named = { epoch: base + 30, offsets: new Map([[3, 9]]), logId: 'a'.repeat(32) };
      await write(({ gate }) => gate.storeCut(named));
      expect(await above(base + 20)).toEqual(named);
      expect(await read(({ gate }) => gate.epochsWithCut())).toEqual(
        expect.arrayContaining([base + 10, base + 20, base + 30]),
      );
    });
  });
}
