import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CustomTransportStrategy } from '@nestjs/microservices';
import { ClaimBatchContext } from '../../../src/ports/log/claim-batch.context.js';
import { type ClaimLog } from '../../../src/ports/log/claim-log.js';
import { settleAll, TransportProbe } from '../../support/transport-probe.js';
import { until } from '../../support/until.js';

/** What differs between transports. The log is empty and has one partition, 0. */
export interface ClaimTransportHarness {
  readonly log: ClaimLog;
  readonly topic: string;
  /** Makes a consumer, which rests for some ms after its handler gave up on a batch. */
  consumer(): CustomTransportStrategy;
  close(): Promise<void>;
}

const PATIENCE_MS = 20_000;

export function describeClaimTransportContract(name: string, openHarness: () => Promise<ClaimTransportHarness>): void {
  describe(`${name} as a transport of claims`, () => {
    let harness: ClaimTransportHarness;
    let probe: TransportProbe;
    /** The offset of the first record. */
    let begin: number;

    beforeEach(async () => {
      harness = await openHarness();
      probe = new TransportProbe(() => harness.log, PATIENCE_MS);
      begin = (await harness.log.startOffsets()).get(0) ?? NaN;
    });
    afterEach(async () => {
      await probe.closeAll();
      await harness.close();
    });

    const start = () => probe.start(harness.consumer());
    const batches = () => probe.deliveries.map(({ claimIds }) => claimIds);
    /** How many records are settled; undefined before the first. */
    const settled = async () => {
      const offset = (await harness.log.committedOffsets()).get(0);
      return offset === undefined ? undefined : offset - begin;
    };

    it('delivers claims that were published before it listened, in arrays and in order', async () => {
      const claimIds = await probe.publish(2_500);
      await start();
      await probe.everythingSettled();
      expect(probe.delivered()).toEqual(claimIds);
      expect(Math.max(...batches().map(({ length }) => length))).toBeGreaterThan(100);
    });

    it('tells the handler topic, partition and size', async () => {
      let seen: unknown;
      probe.handleWith(async (records, context) => {
        await context.heartbeat();
        seen = { topic: context.topic, partition: context.partition, size: context.size, revoked: context.revoked };
        expect(context).toBeInstanceOf(ClaimBatchContext);
        context.settle(records.length);
      });
      await probe.publish(3);
      await start();
      await probe.everythingSettled();
      expect(seen).toEqual({ topic: harness.topic, partition: 0, size: 3, revoked: false });
    });

    it('goes on from the stored offset after a restart, and wakes up for new claims', async () => {
      const before = await probe.publish(5);
      const first = await start();
      await probe.everythingSettled();
      await probe.close(first);
      await start();
      const after = await probe.publish(5);
      await probe.everythingSettled();
      expect(probe.delivered()).toEqual([...before, ...after]);
    });

    it('stores the settled prefix only, rests, and delivers the rest again', async () => {
      const claimIds = await probe.publish(10);
      const stored: (number | undefined)[] = [];
      probe.handleWith(async (records, context) => {
        stored.push(await settled());
        context.settle(Math.min(4, records.length));
      });
      await start();
      await probe.everythingSettled();
      expect(batches()).toEqual([claimIds, claimIds.slice(4), claimIds.slice(8)]);
      expect(stored).toEqual([undefined, 4, 8]);
    });

    it('delivers everything again when nothing was settled', async () => {
      const claimIds = await probe.publish(3);
      let attempt = 0;
      probe.handleWith(async (records, context) => {
        attempt += 1;
        if (attempt > 3) context.settle(records.length);
      });
      await start();
      await probe.everythingSettled();
      expect(batches()).toEqual([claimIds, claimIds, claimIds, claimIds]);
    });

    it.each([
      ['rejects', () => Promise.reject(new Error('the database is away'))],
      ['throws a TypeError', () => thrown(new TypeError('a bug'))],
      ['throws a RangeError', () => thrown(new RangeError('a bug'))],
      ['throws a SyntaxError', () => thrown(new SyntaxError('a bug'))],
      ['rejects with something that is no error', () => Promise.reject('a string')],
    ])('delivers again when the handler %s, and keeps what it had settled', async (_how, fail) => {
      const claimIds = await probe.publish(4);
      let attempt = 0;
      probe.handleWith((records, context) => {
        attempt += 1;
        if (attempt === 1) {
          context.settle(1);
        } else if (attempt > 2) {
          context.settle(records.length);
          return Promise.resolve();
        }
        return fail();
      });
      await start();
      await probe.everythingSettled();
      expect(batches()).toEqual([claimIds, claimIds.slice(1), claimIds.slice(1)]);
    });

    it('waits at close for a running handler, tells it to stop, and stores what it settled', async () => {
      const claimIds = await probe.publish(10);
      let entered = false;
      let left = false;
      probe.handleWith(async (_records, context) => {
        entered = true;
        await until('the batch is revoked', () => context.revoked);
        context.settle(7);
        left = true;
      });
      const service = await start();
      await until('the handler runs', () => entered, PATIENCE_MS);
      expect(await probe.close(service)).toBeLessThan(3_000);
      expect(left).toBe(true);
      expect(probe.deliveries).toHaveLength(1);
      expect(await settled()).toBe(7);

      probe.handleWith(settleAll);
      await start();
      await probe.everythingSettled();
      expect(batches()[1]).toEqual(claimIds.slice(7));
    });
  });
}

function thrown(error: Error): never {
  throw error;
}
