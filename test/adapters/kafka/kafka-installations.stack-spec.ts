import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { KafkaConnection } from '../../../src/infrastructure/kafka/client/kafka-connection.js';
import { InstallationCheck, memberName } from '../../../src/infrastructure/kafka/installation-check.js';
import { KafkaClaimLog } from '../../../src/infrastructure/kafka/kafka-claim-log.js';
import { KafkaClaimServer } from '../../../src/infrastructure/kafka/kafka-claim-server.js';
import { type KafkaConfig } from '../../../src/platform/config/config-parts.js';
import { StartupError } from '../../../src/platform/config/startup-error.js';
import { type UnitOfWork } from '../../../src/ports/database/database.js';
import { claimEvent } from '../../support/claims.js';
import { eventually } from '../../support/eventually.js';
import { foreignClient, kafkaConfig, stackBrokers, TEST_KEYS } from '../../support/kafka.js';
import { TransportProbe } from '../../support/transport-probe.js';
import { until } from '../../support/until.js';

const PATIENCE_MS = 30_000;
const LIMITS = { publishMs: 10_000, produceMs: 5_000 };
const [OWN, OTHER] = ['abcdefghijkm2345', 'nopqrstuvwxyz678'];

/** The database of this installation. */
const databaseOf = (installation: string) => ({
  read: <T>(work: (unit: UnitOfWork) => Promise<T>) =>
    work({
      gate: { read: () => Promise.resolve({ installation }) },
      coupons: { lastId: () => Promise.resolve(0) },
    } as unknown as UnitOfWork),
});

describe('two installations on one Kafka', () => {
  let config: KafkaConfig;
  let log: KafkaClaimLog;
  let probe: TransportProbe;
  let errors: string[];
  let closing: KafkaClaimLog[];

  const logOf = (installation: string) => {
    const made = new KafkaClaimLog(config, TEST_KEYS, { limits: LIMITS, installationCheck: checkOf(installation) });
    closing.push(made);
    return made;
  };
  const checkOf = (installation: string) => new InstallationCheck(databaseOf(installation), config);
  const consumerOf = (installation: string) =>
    new KafkaClaimServer(
      config,
      log,
      () => undefined,
      { pauseMs: 50, closeMs: 2_000 },
      undefined,
      checkOf(installation),
    );
  const publish = (installation?: string) =>
    log.publish({ ...claimEvent(), ...(installation === undefined ? {} : { installation }) });
  const members = async () => {
    const admin = foreignClient(config).admin();
    await admin.connect();
    try {
      const { groups } = await admin.describeGroups([config.groupId]);
      return groups.flatMap((group) => group.members.map(({ clientId }) => clientId));
    } finally {
      await admin.disconnect();
    }
  };

  beforeEach(() => {
    config = kafkaConfig(stackBrokers(), { partitions: 2 });
    closing = [];
    errors = [];
    log = logOf(OWN);
    probe = new TransportProbe(() => log, PATIENCE_MS);
    jest.spyOn(Logger.prototype, 'error').mockImplementation((text: unknown) => void errors.push(String(text)));
  });
  afterEach(async () => {
    await probe.closeAll();
    for (const made of closing) made.onApplicationShutdown();
    jest.restoreAllMocks();
  });

  it('refuse a start on a topic whose last claims are of the other one, and name topic and both', async () => {
    await publish();
    await publish(OWN);
    await logOf(OWN).onApplicationBootstrap();
    // A broker that has never had a group does not answer for one at once, and a start does not wait for it.
    await eventually(() => expect(logOf(OTHER).onApplicationBootstrap()).rejects.toThrow(StartupError));
    await expect(logOf(OTHER).onApplicationBootstrap()).rejects.toThrow(
      `KAFKA_TOPIC: ${config.topic} is used by installation ${OWN}, and this is installation ${OTHER}`,
    );
  });

  it('read the last claim of each partition over one more socket to each broker', async () => {
    config = kafkaConfig(stackBrokers(), { partitions: 12 });
    log = logOf(OWN);
    const connection = await KafkaConnection.open(config, { openMs: PATIENCE_MS, requestMs: 10_000 });
    const sockets = connection['sockets']['open'];
    try {
      // A partition is chosen by the key, so claims are added until each partition has one.
      await until(
        'each partition has a claim',
        async () => {
          await Promise.all(Array.from({ length: 24 }, () => publish(OWN)));
          return [...(await connection.offsets('end')).values()].every((end) => end > 0);
        },
        PATIENCE_MS,
      );
      const before = sockets.size;
      const last = await connection.lastRecords();
      expect(new Set(last.map(({ partition }) => partition)).size).toBe(12);
      // Node warns of more than ten requests that wait for one socket, and each of them would open another one.
      expect(sockets.size - before).toBe(new Set(connection.leaders().values()).size);
    } finally {
      connection.destroy();
    }
  });

  it('start on a topic that is empty, or has claims of the version before', async () => {
    await logOf(OTHER).onApplicationBootstrap();
    for (let claim = 0; claim < 4; claim++) await publish();
    await logOf(OTHER).onApplicationBootstrap();
  });

  it('refuse a start in a group that has a living member of the other one', async () => {
    const service = await probe.start(consumerOf(OWN));
    await until('the consumer has joined', async () => (await members()).length === 1, PATIENCE_MS);
    expect(await members()).toEqual([memberName(OWN)]);
    await logOf(OWN).onApplicationBootstrap();
    await expect(logOf(OTHER).onApplicationBootstrap()).rejects.toThrow(
      `KAFKA_GROUP_ID: ${config.groupId} is used by installation ${OWN}, and this is installation ${OTHER}`,
    );
    await probe.close(service);
    await until('it has left', async () => (await members()).length === 0, PATIENCE_MS);
    await logOf(OTHER).onApplicationBootstrap();
  });

  it('are found out by a consumer that joins later, which says so once and stays out until they are apart', async () => {
    await publish(OTHER);
    await probe.start(consumerOf(OWN));
    await until('it says so', () => errors.length > 0, PATIENCE_MS);
    expect(errors[0]).toContain(`KAFKA_TOPIC: ${config.topic} is used by installation ${OTHER}`);
    expect(await members()).toEqual([]);
    // Both partitions end with claims of our own.
    for (let claim = 0; claim < 4; claim++) await publish(OWN);
    await until('it has joined', () => probe.delivered().length >= 5, PATIENCE_MS);
    expect(errors).toHaveLength(1);
  });

  it('do not keep one from starting that works already: anybody can write such a claim, and its consumer stands there', async () => {
    for (let claim = 0; claim < 4; claim++) await publish(OWN);
    const service = await probe.start(consumerOf(OWN));
    await probe.everythingSettled();
    await probe.close(service);
    for (let claim = 0; claim < 4; claim++) await publish(OTHER);
    await logOf(OWN).onApplicationBootstrap();
    expect(errors.length).toBeGreaterThan(0);
    expect(errors[0]).toMatch(
      new RegExp(`used by installation ${OTHER}.*This process goes on, .*: partitions [\\d, ]+\\. `),
    );
    await probe.start(consumerOf(OWN), 'again');
    await until('it has joined', () => probe.delivered().length >= 8, PATIENCE_MS);
  });

  it('are looked for while the database is away, too, when it comes back', async () => {
    await publish(OTHER);
    let away = true;
    const database = databaseOf(OWN);
    const check = new InstallationCheck(
      { read: (work) => (away ? Promise.reject(new Error('no database')) : database.read(work)) },
      config,
    );
    // The start does not wait for it.
    const early = new KafkaClaimLog(config, TEST_KEYS, { installationCheck: check });
    closing.push(early);
    await early.onApplicationBootstrap();
    await probe.start(new KafkaClaimServer(config, log, () => undefined, {}, undefined, check));
    away = false;
    await until('it says so', () => errors.length > 0, PATIENCE_MS);
    expect(errors[0]).toContain(OTHER);
    await expect(logOf(OWN).onApplicationBootstrap()).rejects.toThrow(StartupError);
  });

  it('a topic has an id, which changes when it is made anew', async () => {
    const first = await log.logId();
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    await publish(OWN);
    expect(await log.logId()).toBe(first);
    const admin = foreignClient(config).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [config.topic] });
    const again = await until(
      'the topic is there again',
      async () => {
        const made = logOf(OWN);
        const id = await made.logId().catch(() => null);
        return id !== null && id !== first && id;
      },
      PATIENCE_MS,
    );
    expect(again).toMatch(/^[0-9a-f]{32}$/);
    await admin.disconnect();
  });
});
