import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { claimEvent } from '../../../test/support/claims.js';
import { encodeClaimEvent } from '../../domain/claim.js';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { type KafkaConnection } from './client/kafka-connection.js';
import { ForeignInstallationError, InstallationCheck, memberName } from './installation-check.js';

const [OWN, OTHER] = ['abcdefghijkm2345', 'nopqrstuvwxyz678'];
const CONFIG = { topic: 'coupon_create', groupId: 'coupon-consumer' } as KafkaConfig;

describe('the look for another installation', () => {
  let errors: string[];
  let settled: Map<number, number>;
  let members: string[];
  let last: string;
  let lastCoupon: number;
  let partitions: number[];
  let installationCheck: InstallationCheck | undefined;

  beforeEach(() => {
    [errors, settled, members, last] = [[], new Map(), [], encodeClaimEvent({ ...claimEvent(), installation: OTHER })];
    [lastCoupon, partitions, installationCheck] = [0, [3], undefined];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((text: unknown) => void errors.push(String(text)));
  });
  afterEach(() => void jest.restoreAllMocks());

  const check = () => {
    const database = {
      read: <T>(work: (unit: UnitOfWork) => Promise<T>) =>
        work({
          gate: { read: () => Promise.resolve({ installation: OWN, signedSince: 1 }) },
          coupons: { lastId: () => Promise.resolve(lastCoupon) },
        } as unknown as UnitOfWork),
    };
    const connection = {
      memberClientIds: () => Promise.resolve(members),
      committed: () => Promise.resolve(settled),
      lastRecords: () =>
        Promise.resolve(partitions.map((partition) => ({ partition, offset: 7, value: Buffer.from(last) }))),
    };
    installationCheck ??= new InstallationCheck(database, CONFIG);
    return installationCheck.check(connection as unknown as KafkaConnection);
  };

  it('refuses a group that has never settled anything on a topic of the other one', async () => {
    await expect(check()).rejects.toThrow(`KAFKA_TOPIC: coupon_create is used by installation ${OTHER}`);
    expect(errors).toEqual([]);
  });

  it('lets an installation start that works already, because anybody can write such a record, and says so', async () => {
    settled.set(1, 12);
    await expect(check()).resolves.toBeUndefined();
    expect(errors).toEqual([
      expect.stringMatching(`used by installation ${OTHER}.*This process goes on, .*: partitions 3\\. `),
    ]);
  });

  it('says it once for all partitions, though the log and the consumer of a process look both', async () => {
    settled.set(1, 12);
    partitions = [11, 0, 4];
    await check();
    await check();
    expect(errors).toEqual([
      expect.stringMatching(/: partitions 0, 4, 11\. Or somebody else writes to coupon_create$/),
    ]);
  });

  it('lets an installation with coupons start in a new group, or in one whose offsets have expired', async () => {
    lastCoupon = 1;
    await expect(check()).resolves.toBeUndefined();
    expect(errors).toHaveLength(1);
  });

  it('says nothing of a record that the group is past', async () => {
    settled.set(3, 8);
    await check();
    expect(errors).toEqual([]);
  });

  it('refuses a group with a living member of the other one, whatever it has settled', async () => {
    settled.set(3, 8);
    members.push(memberName(OTHER));
    await expect(check()).rejects.toThrow(ForeignInstallationError);
  });

  it('repeats little of what a forger writes', async () => {
    last = JSON.stringify({ v: 9, installation: `x\n\u001b[2J${'y'.repeat(50_000)}` });
    await expect(check()).rejects.toThrow(new RegExp(`installation x\\?\\?\\?2Jy{58}, and`));
  });
});
