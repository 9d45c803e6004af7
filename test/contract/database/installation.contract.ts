import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Installation1765000000000 } from '../../../src/infrastructure/sql/migrations/1765000000000-installation.js';
import { SigningKeys1766200000000 } from '../../../src/infrastructure/sql/migrations/1766200000000-signing-keys.js';
import { Sessions1766800000000 } from '../../../src/infrastructure/sql/migrations/1766800000000-sessions.js';
import { keyIdOf, ROTATED_PURPOSES, type RotatedPurpose } from '../../../src/ports/database/installation-key-store.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

export function describeInstallation(under: DatabaseUnderTest): void {
  describe('the installation', () => {
    const { read, write, kindOf } = under;
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
        const later = new SigningKeys1766200000000();
        const latest = new Sessions1766800000000();
        await latest.down(runner);
        await later.down(runner);
        await migration.down(runner);
        // The statements of the version before.
        await runner.query('UPDATE gate SET epoch = epoch + 1 WHERE id = 1');
        await runner.query('INSERT INTO gate_cuts (epoch, log_partition, log_offset) VALUES (5, -1, 0), (5, 0, 7)');
        await runner.query('ALTER TABLE gate ADD COLUMN installation_id VARCHAR(64)');
        await migration.up(runner);
        await later.up(runner);
        await latest.up(runner);
      });
      const second = await identity();
      expect(second.id).toMatch(/^[a-z2-9]{16}$/);
      expect(second.id).not.toBe(first.id);
      expect(second.secret).not.toEqual(first.secret);
      expect(await read(({ gate }) => gate.epochsWithCut())).toContain(5);
      await harness.execute('DELETE FROM gate_cuts WHERE epoch = 5');
    });

    it('counts as a failure of the database while its secret is missing, not of the claims', async () => {
      await harness.execute("UPDATE installation_keys SET purpose = 'other' WHERE purpose = 'coupon-code'");
      try {
        expect(await kindOf(read(({ installationKeys }) => installationKeys.secretFor('coupon-code')))).toBe(
          'infrastructure',
        );
      } finally {
        await harness.execute("UPDATE installation_keys SET purpose = 'coupon-code' WHERE purpose = 'other'");
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

    describe('the keys that sign', () => {
      const keys = (purpose: RotatedPurpose = 'event') =>
        read(({ installationKeys }) => installationKeys.keysFor(purpose));
      const idsOf = async () => (await keys()).map(({ id }) => id);
      const signedSince = () => read(async ({ gate }) => (await gate.read()).signedSince);

      it('are made by the migration, one for each purpose, and no purpose shares a secret with another', async () => {
        const made = await Promise.all(ROTATED_PURPOSES.map((purpose) => keys(purpose)));
        expect(made.map((some) => some.length)).toEqual(ROTATED_PURPOSES.map(() => 1));
        const secrets = [...made.map(([key]) => key?.secret.export()), (await identity()).secret];
        expect(secrets.map((secret) => secret?.length)).toEqual(secrets.map(() => 32));
        expect(new Set(secrets.map((secret) => secret?.toString('hex'))).size).toBe(secrets.length);
        await harness.withRunner((runner) => new SigningKeys1766200000000().up(runner));
        await harness.withRunner((runner) => new Sessions1766800000000().up(runner));
        expect(await Promise.all(ROTATED_PURPOSES.map((purpose) => keys(purpose)))).toEqual(made);
      });

      it('are named by their secret; the newest comes first, and a retired one is not among them', async () => {
        const secret = randomBytes(32);
        const [first = ''] = await idsOf();
        const second = await write(({ installationKeys }) => installationKeys.add('event', secret));
        expect(second).toBe(keyIdOf(secret));
        expect(await idsOf()).toEqual([second, first]);
        const retire = (id: string) => write(({ installationKeys }) => installationKeys.retire('event', id));
        // Nothing could be signed without it.
        expect(await retire(second)).toBe(false);
        expect(await retire(first)).toBe(true);
        expect(await retire(first)).toBe(false);
        expect(await idsOf()).toEqual([second]);
        expect((await keys('entry')).map(({ id }) => id)).not.toContain(second);
      });

      it('count as a failure of the database while they are missing', async () => {
        await harness.execute("UPDATE installation_keys SET purpose = 'gone' WHERE purpose = 'event'");
        try {
          expect(await kindOf(keys())).toBe('infrastructure');
        } finally {
          await harness.execute("UPDATE installation_keys SET purpose = 'event' WHERE purpose = 'gone'");
        }
      });

      it('are demanded of a new installation from its start, and of one that was upgraded not yet', async () => {
        const migration = new SigningKeys1766200000000();
        const { epoch } = await read(({ gate }) => gate.read());
        const migrateAt = (at: number) =>
          harness.withRunner(async (runner) => {
            await runner.query('UPDATE gate SET epoch = ? WHERE id = 1', [at]);
            await migration.down(runner);
            await migration.up(runner);
            await runner.query('UPDATE gate SET epoch = ? WHERE id = 1', [epoch]);
          });
        await migrateAt(7);
        expect(await signedSince()).toBeNull();
        const demand = (demanded: boolean) => write(({ gate }) => gate.demandSignatures(demanded));
        await demand(true);
        const since = await signedSince();
        expect(since).toBeGreaterThan(0);
        await demand(true);
        expect(await signedSince()).toBe(since);
        await demand(false);
        expect(await signedSince()).toBeNull();
        await migrateAt(0);
        expect(await signedSince()).toBeGreaterThan(0);
      });
    });
  });
}
