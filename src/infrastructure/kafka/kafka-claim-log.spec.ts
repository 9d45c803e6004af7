import { afterEach, describe, expect, it } from '@jest/globals';
import { SetTimers } from '../../../test/support/flow.js';
import { kafkaConfig } from '../../../test/support/kafka.js';
import { type UnitOfWork } from '../../ports/database/database.js';
import { KeyRing } from '../../ports/database/key-ring.js';
import { KafkaClaimLog } from './kafka-claim-log.js';

describe('KafkaClaimLog, of the keys', () => {
  const timers = new SetTimers();
  let log: KafkaClaimLog;
  afterEach(() => log.onApplicationShutdown());

  const readsOf = async (publishes: boolean): Promise<number[]> => {
    let reads = 0;
    const keysFor = () => Promise.resolve(((reads += 1), []));
    const keys = new KeyRing(
      { readUrgently: (work) => work({ installationKeys: { keysFor } } as unknown as UnitOfWork) },
      'event',
      timers.clock,
    );
    log = new KafkaClaimLog(kafkaConfig('127.0.0.1:1'), keys, { publishes, timers });
    await log.onApplicationBootstrap();
    const seen = [reads];
    for (let round = 0; round < 3; round++) {
      await timers.pass(5_000);
      seen.push(reads);
    }
    return seen;
  };

  it('asks for new keys every five seconds, also while no claim comes', async () => {
    expect(await readsOf(true)).toEqual([1, 2, 3, 4]);
  });

  it('asks only once where it signs nothing: a consumer asks when it verifies', async () => {
    expect(await readsOf(false)).toEqual([1, 1, 1, 1]);
  });
});
