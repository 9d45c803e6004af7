import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../../src/app/app.setup.js';
import { startUp } from '../../../src/app/start-up.js';
import { type KafkaConfig } from '../../../src/platform/config/config-parts.js';
import { parseEnv } from '../../../src/platform/config/env.js';
import { type LogRecord } from '../../../src/ports/log/claim-log.js';
import { decodeClaimEvent } from '../../../src/domain/claim.js';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaServer } from '../../../stack/kafka-server.js';
import { claimEvent } from '../../support/claims.js';
import { Client } from '../../support/client.js';
import { startConsumer } from '../../support/kafka-consumer.js';
import { alterTopic, createTopic, foreignClient, kafkaConfig, stackBrokers, TEST_KEYS } from '../../support/kafka.js';
import { eventually } from '../../support/eventually.js';
import { CODECS } from '../../support/record-batches.js';
import { ADMIN_TOKEN, type Service, startService } from '../../support/service.js';
import { until } from '../../support/until.js';

const PATIENCE_MS = 30_000;

/** Batches that other programs may put on a topic that keeps its producers’ compression. */
const FOREIGN = [
  ['snappy', CompressionTypes.Snappy, 'x'.repeat(300)],
  ['lz4', CompressionTypes.LZ4, 'x'.repeat(300)],
  ['zstd', CompressionTypes.ZSTD, 'x'.repeat(300)],
  ['larger than', CompressionTypes.GZIP, 'x'.repeat(20 * 1_024 * 1_024)],
] as const;

/** kafkajs can send these formats once it has a compressor. */
function bringCompressors(): void {
  for (const [name, type] of [
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
    ['zstd', CompressionTypes.ZSTD],
  ] as const) {
    const [, compress] = CODECS[name];
    CompressionCodecs[type] = () => ({
      compress: (encoder: { buffer: Buffer }) => Promise.resolve(compress(encoder.buffer)),
      decompress: () => Promise.reject(new Error('nobody reads it with kafkajs')),
    });
  }
}

async function send(config: KafkaConfig, compression: CompressionTypes, ...values: string[]): Promise<void> {
  const producer = foreignClient(config).producer();
  await producer.connect();
  const messages = values.map((value) => ({ value, partition: 0 }));
  await producer.send({ topic: config.topic, compression, messages });
  await producer.disconnect();
}

/** Offset and length of a value, or why there is no value. */
const shown = (records: readonly LogRecord[]) =>
  records.map(({ offset, value, unreadable }) => `${offset}: ${unreadable ?? value?.length}`);

async function readAll(log: KafkaClaimLog): Promise<LogRecord[]> {
  const read: LogRecord[] = [];
  for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) read.push(...page);
  return read;
}

async function everythingSettled(log: KafkaClaimLog): Promise<void> {
  await until(
    'everything is settled',
    async () => {
      const [ends, settled] = [await log.endOffsets(), await log.committedOffsets()];
      return [...ends].every(([partition, end]) => (settled.get(partition) ?? 0) === end);
    },
    PATIENCE_MS,
  );
}

describe('batches that cannot be read', () => {
  let config: KafkaConfig;
  let log: KafkaClaimLog;
  const ends: (() => unknown)[] = [];

  beforeAll(bringCompressors);
  beforeEach(async () => {
    config = kafkaConfig(stackBrokers(), { partitions: 1 });
    log = new KafkaClaimLog(config, TEST_KEYS);
    ends.push(() => log.onApplicationShutdown());
    await createTopic(config, { 'compression.type': 'producer' });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  it('are one record each, for the consumer and for the rebuild, and every other batch arrives', async () => {
    await send(config, CompressionTypes.None, 'a');
    for (const [, type, value] of FOREIGN) {
      await send(config, type, value, 'b', 'c');
      await send(config, CompressionTypes.None, 'd');
    }
    await send(config, CompressionTypes.GZIP, 'e', 'f');

    const consumer = await startConsumer(config, log);
    ends.push(() => consumer.close());
    await everythingSettled(log);
    const seen = shown(consumer.records);
    const expected = FOREIGN.flatMap(([why], index) => {
      const first = 1 + index * 4;
      return [expect.stringMatching(`^${first}: offsets ${first} to ${first + 2}: .*${why}`), `${first + 3}: 1`];
    });
    expect(seen).toEqual(['0: 1', ...expected, '17: 1', '18: 1']);
    expect(consumer.fatal).toEqual([]);
    expect(shown(await readAll(log))).toEqual(seen);
  });

  it('do not hold up the consumer if nothing else is there, nor a rebuild that begins or ends within one', async () => {
    await send(config, CompressionTypes.LZ4, 'x'.repeat(300), 'b', 'c');
    const consumer = await startConsumer(config, log);
    ends.push(() => consumer.close());
    await everythingSettled(log);
    for (const [from, to] of [
      [0, 3],
      [1, 3],
      [2, 3],
      [0, 1],
    ] as const) {
      const read: LogRecord[] = [];
      for await (const page of log.read(new Map([[0, from]]), new Map([[0, to]]))) read.push(...page);
      expect(shown(read)).toEqual([expect.stringContaining('0: offsets 0 to 2')]);
    }
  });

  it('stop no other partition', async () => {
    const wide = kafkaConfig(stackBrokers(), { partitions: 3 });
    const wideLog = new KafkaClaimLog(wide, TEST_KEYS);
    ends.push(() => wideLog.onApplicationShutdown());
    await createTopic(wide, { 'compression.type': 'producer' });
    const consumer = await startConsumer(wide, wideLog);
    ends.push(() => consumer.close());
    const good = Array.from({ length: 30 }, () => claimEvent());
    for (const [at, event] of good.entries()) {
      if (at % 10 === 0) await send(wide, CompressionTypes.ZSTD, 'x'.repeat(300));
      await wideLog.publish(event);
    }
    await everythingSettled(wideLog);
    const claims = consumer.records.flatMap(({ value }) => {
      const decoded = decodeClaimEvent(value);
      return decoded.kind === 'claim' ? [decoded.event] : [];
    });
    expect(claims).toEqual(expect.arrayContaining(good));
    expect(consumer.records.filter(({ unreadable }) => unreadable !== undefined)).toHaveLength(3);
    expect(consumer.fatal).toEqual([]);
  });
});

describe('a batch that the disk of the broker has damaged', () => {
  let kafka: KafkaServer;

  beforeAll(async () => {
    kafka = await KafkaServer.start();
  }, 90_000);
  afterAll(() => kafka.stop());

  it('is skipped by consumer and rebuild, and those around it are read', async () => {
    const config = kafkaConfig(kafka.brokers, { partitions: 1 });
    const log = new KafkaClaimLog(config, TEST_KEYS);
    await createTopic(config);
    for (const value of ['before', 'damaged', 'after']) {
      await send(config, CompressionTypes.None, value, `${value} too`);
    }
    await kafka.stop();
    const file = join(kafka.partitionDirectory(config.topic, 0), '00000000000000000000.log');
    const bytes = readFileSync(file);
    bytes.write('DAMAGED', bytes.indexOf('damaged'));
    writeFileSync(file, bytes);
    await kafka.start();
    const consumer = await startConsumer(config, log);
    try {
      await everythingSettled(log);
      const expected = ['0: 6', '1: 10', expect.stringMatching('^2: offsets 2 to 3: .*checksum'), '4: 5', '5: 9'];
      expect(shown(consumer.records)).toEqual(expected);
      expect(shown(await readAll(log))).toEqual(expected);
      expect(consumer.fatal).toEqual([]);
    } finally {
      await consumer.close();
      log.onApplicationShutdown();
    }
  }, 90_000);

  it('costs no user a promised coupon: the sweeper finds the claims that were in it', async () => {
    const own = { KAFKA_BROKERS: kafka.brokers, ...WITHOUT_PASSWORD };
    const service = await startService({ ROLES: 'api,retry', ...own });
    let worker: NestFastifyApplication | undefined;
    try {
      const { KAFKA_TOPIC: topic = '' } = service.backend.env;
      const client = new Client(service.url);
      const users = Array.from({ length: 5 }, (_, number) => `promised-${number}`);
      for (const user of users) expect((await client.apply(user)).status).toBe(202);
      await kafka.stop();
      const damaged = Array.from({ length: 12 }, (_, partition) =>
        join(kafka.partitionDirectory(topic, partition), '00000000000000000000.log'),
      ).filter((file) => {
        const bytes = readFileSync(file);
        const at = bytes.indexOf('promised-3');
        if (at >= 0) writeFileSync(file, bytes.fill('?', at, at + 8));
        return at >= 0;
      });
      expect(damaged).toHaveLength(1);
      await kafka.start();
      worker = await startWorker(service, own);
      await eventually(async () => {
        const { issued, failed, drift } = await client.audit('default');
        expect({ issued, failed, drift }).toMatchObject({ issued: users.length, failed: { RESOLVED: 1 }, drift: 0 });
      }, 120_000);
      const { items } = (await client.admin('GET', '/api/admin/failed-events')).body;
      const told = items.map(({ source, errorCode, status }: Record<string, string>) => [source, errorCode, status]);
      expect(told).toContainEqual(['CONSUMER', 'unreadable-batch', 'DEAD']);
      expect(told).toContainEqual(['SWEEPER', expect.anything(), 'RESOLVED']);
    } finally {
      await worker?.close();
      await service.stop();
    }
  }, 240_000);
});

/** For a broker that asks for none. */
const WITHOUT_PASSWORD = { KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' };

/** A consumer of the same servers. */
async function startWorker(service: Service, env: Record<string, string> = {}): Promise<NestFastifyApplication> {
  const config = { ...service.backend.env, ADMIN_TOKEN, PORT: '0', LOG_LEVEL: 'fatal', ROLES: 'consumer', ...env };
  const worker = await createApp(parseEnv(config), { logger: false });
  await startUp(worker);
  return worker;
}

describe('the service and a batch that it cannot read', () => {
  let service: Service;
  let worker: NestFastifyApplication | undefined;

  beforeAll(bringCompressors);
  afterEach(async () => {
    await worker?.close();
    await service?.stop();
  });

  it('opens its gate in spite of it, issues the claims around it, and tells operators where it is', async () => {
    service = await startService({ ROLES: 'api,retry' });
    const { KAFKA_TOPIC: topic = '', KAFKA_GROUP_ID: groupId = '' } = service.backend.env;
    const config = kafkaConfig(stackBrokers(), { topic, groupId, partitions: 12 });
    await alterTopic(config, { 'compression.type': 'producer' });
    await send(config, CompressionTypes.LZ4, 'x'.repeat(300), 'b');
    const client = new Client(service.url);
    expect((await client.apply('first')).status).toBe(202);

    // No offset is committed, so the rebuild reads the whole log.
    const { epoch } = (await client.get('/health/ready')).body.gate;
    await service.backend.redis?.kill();
    await service.backend.redis?.start();
    await eventually(async () => {
      const { status, gate } = (await client.get('/health/ready')).body;
      expect({ status, later: gate.epoch > epoch }).toEqual({ status: 'ok', later: true });
    }, PATIENCE_MS);
    expect((await client.apply('second')).status).toBe(202);

    worker = await startWorker(service);
    await eventually(async () => expect((await client.audit('default')).issued).toBe(2), PATIENCE_MS);
    const { items } = (await client.admin('GET', '/api/admin/failed-events?status=DEAD')).body;
    expect(items).toMatchObject([
      {
        topic,
        partition: 0,
        offset: 0,
        errorCode: 'unreadable-batch',
        errorMessage: 'offsets 0 to 1: it is compressed with lz4, which is not read',
        claimId: null,
      },
    ]);
    expect(
      (await client.admin('POST', `/api/admin/failed-events/${items[0].id}/requeue`, { ifMatch: '*' })).status,
    ).toBe(409);
  }, 120_000);
});
