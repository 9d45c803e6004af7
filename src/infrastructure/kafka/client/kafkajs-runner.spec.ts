import { expect, it } from '@jest/globals';
import Runner from 'kafkajs/src/consumer/runner.js';
import { until } from '../../../../test/support/until.js';
import { endFetchersOfStoppedConsumers } from './kafkajs-runner.js';

interface Consumer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

it('a consumer of kafkajs that is stopped while the brokers change ends, and does not spin', async () => {
  endFetchersOfStoppedConsumers();
  let nodes = ['1', '2'];
  let askedSince = 0;
  let release: () => void = () => undefined;
  let left = false;
  const consumerGroup = {
    connect: () => Promise.resolve(),
    joinAndSync: () => Promise.resolve(),
    heartbeat: () => Promise.resolve(),
    leave: () => {
      left = true;
      return Promise.resolve();
    },
    getNodeIds: () => {
      if (nodes.length === 1) askedSince += 1;
      return nodes;
    },
    fetch: async (node: string) => {
      await new Promise<void>((resolve) => (node === '2' ? (release = resolve) : setImmediate(resolve)));
      return [];
    },
  };
  let spins = 0;
  const logger = {
    debug: (message: string) => {
      if (message.startsWith('consumer not running') && (spins += 1) > 1_000) throw new Error('it spins');
    },
    info: () => undefined,
    warn: () => undefined,
    namespace: () => logger,
  };
  const consumer = new (Runner as unknown as new (options: object) => Consumer)({
    logger,
    consumerGroup,
    instrumentationEmitter: { emit: () => undefined },
    concurrency: 1,
    eachBatch: () => Promise.resolve(),
    onCrash: () => undefined,
    retry: { retries: 5, initialRetryTime: 10, maxRetryTime: 10 },
  });
  await consumer.start();
  nodes = ['1'];
  await until('one fetcher has seen it, and waits for the other one', () => askedSince > 0);
  const stopped = consumer.stop();
  release();
  await stopped;
  expect(spins).toBeLessThan(5);
  expect(left).toBe(true);
});
