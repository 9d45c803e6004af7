import { beforeAll, describe, expect, it } from '@jest/globals';
import { Installation1765000000000 } from '../../../src/infrastructure/sql/migrations/1765000000000-installation.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

export function describeInstallation(under: DatabaseUnderTest): void {
  describe('the installation', () => {
    const { read, kindOf } = under;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ harness } = under);
    });

    const identity = () =>
      read(async ({ gate, installationKeys }) => ({
        id: (await gate.read()).installation,
        secret: await installationKeys.secretFor('coupon-code'),
      }));

    it('has a random id and a secret of 32 bytes, which a migration that runs again leaves as they are', async () => {
      const first = await identity();
      expect(first.id).toMatch(/^[a-z2-9]{16}$/);
      expect(first.secret).toHaveLength(32);
      await harness.withRunner((runner) => new Installation1765000000000().up(runner));
      expect(await identity()).toEqual(first);
    });

    it('is made for a database of the version before, also by a migration that was killed half way', async () => {
      const first = await identity();
      await harness.withRunner(async (runner) => {
        const migration = new Installation1765000000000();
        await migration.down(runner);
        // The statements of the version before.
        await runner.query('UPDATE gate SET epoch = epoch + 1 WHERE id = 1');
        await runner.query('INSERT INTO gate_cuts (epoch, log_partition, log_offset) VALUES (5, -1, 0), (5, 0, 7)');
        await runner.query('ALTER TABLE gate ADD COLUMN installation_id VARCHAR(64)');
        await migration.up(runner);
      });
      const second = await identity();
      expect(second.id).toMatch(/^[a-z2-9]{16}$/);
      expect(second.id).not.toBe(first.id);
      expect(second.secret).not.toEqual(first.secret);
      expect(await read(({ gate }) => gate.epochsWithCut())).toContain(5);
      await harness.execute('DELETE FROM gate_cuts WHERE epoch = 5');
    });

    it('counts as a failure of the database while its secret is missing, not of the claims', async () => {
      await harness.execute("UPDATE installation_keys SET purpose = 'other'");
      try {
        expect(await kindOf(read(({ installationKeys }) => installationKeys.secretFor('coupon-code')))).toBe(
          'infrastructure',
        );
      } finally {
        await harness.execute("UPDATE installation_keys SET purpose = 'coupon-code'");
      }
    });

    it('keeps the first secret when there is another one', async () => {
      const first = await identity();
      await harness.execute(
        "INSERT INTO installation_keys (purpose, secret, created_at) SELECT 'coupon-code', '00ff', 0",
      );
      expect(await identity()).toEqual(first);
      await harness.execute("DELETE FROM installation_keys WHERE secret = '00ff'");
    });
  });
}
