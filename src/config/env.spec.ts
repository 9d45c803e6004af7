import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { AdminToken, loadAdminToken } from './admin-token.js';
import { ConfigModule } from './config.module.js';
import { AppConfig, ConfigurationError, ENV_VARIABLES, parseEnv } from './env.js';

const DISTRIBUTED = {
  PROFILE: 'distributed',
  REDIS_URL: 'redis://cache:6379',
  KAFKA_BROKERS: 'kafka-1:9092, 10.0.0.7:9093',
  DATABASE_URL: 'mysql://coupon:secret@db:3306/coupon',
  ADMIN_TOKEN: 'a'.repeat(32),
};

function mistakesOf(source: Record<string, string | undefined>): readonly string[] {
  try {
    parseEnv(source);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      expect(error.message).toBe(error.mistakes.join('\n'));
      return error.mistakes;
    }
    throw error;
  }
  return [];
}

describe('the environment', () => {
  it('needs nothing for the embedded profile', () => {
    expect(parseEnv({})).toEqual(
      new AppConfig({
        profile: 'embedded',
        roles: new Set(['api', 'consumer', 'retry'] as const),
        host: '127.0.0.1',
        port: 3000,
        dataDir: './data',
        redisUrl: undefined,
        kafka: {
          brokers: [],
          topic: 'coupon_create',
          groupId: 'coupon-consumer',
          partitions: 12,
          replication: 1,
          minInsync: 1,
          ssl: false,
          sasl: undefined,
        },
        databaseUrl: undefined,
        databaseSsl: false,
        migrateOnStart: true,
        defaultCampaignTotal: 100,
        adminToken: undefined,
        allowInsecure: new Set(),
        http: {
          maxInflightPerConnection: 16,
          maxConnections: undefined,
          maxConnectionsPerAddress: 0,
          keepAliveMs: 65_000,
          readConcurrency: 8,
          basePath: '',
        },
        logLevel: 'info',
        logFormat: undefined,
        accessLog: 'off',
      }),
    );
  });

  it('is described by .env.example, whose values are the defaults', () => {
    const source = Object.fromEntries(
      readFileSync('.env.example', 'utf8')
        .split('\n')
        .filter((line) => /^[A-Z_]+=/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(parseEnv(source)).toEqual(parseEnv({}));
    expect(Object.keys(source).sort()).toEqual([...ENV_VARIABLES].sort());
  });

  it('narrows the addresses of the distributed profile', () => {
    const config = parseEnv({
      ...DISTRIBUTED,
      ROLES: 'consumer, retry',
      PORT: '0',
      KAFKA_SSL: 'on',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'coupon',
      KAFKA_SASL_PASSWORD: 'pass',
      MIGRATE_ON_START: 'false',
    });
    expect(config.isDistributed() && config.redisUrl.length + config.databaseUrl.length).toBeGreaterThan(0);
    expect(config.kafka.brokers).toEqual(['kafka-1:9092', '10.0.0.7:9093']);
    expect(config.kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'coupon', password: 'pass' });
    expect([...config.roles]).toEqual(['consumer', 'retry']);
    expect([config.port, config.kafka.ssl, config.migrateOnStart]).toEqual([0, true, false]);
  });

  it.each([
    ['PROFILE', 'cluster', 'embedded or distributed'],
    ['ROLES', 'api,worker', 'api, consumer, retry'],
    ['ROLES', ',', 'api, consumer, retry'],
    ['HOST', 'a b', 'an address'],
    ['PORT', '65536', 'an integer from 0 to 65535'],
    ['PORT', '-1', 'an integer from 0 to 65535'],
    ['PORT', '3e3', 'an integer from 0 to 65535'],
    ['PORT', 'http', 'an integer from 0 to 65535'],
    ['KAFKA_BROKERS', 'kafka', 'host:port'],
    ['KAFKA_BROKERS', 'kafka:9092,', 'host:port'],
    ['KAFKA_BROKERS', 'kafka:99999', 'host:port'],
    ['KAFKA_BROKERS', '[::1]:9092', 'host:port'],
    ['KAFKA_TOPIC', 'a topic', '1 to 249'],
    ['KAFKA_PARTITIONS', '0', 'an integer from 1'],
    ['KAFKA_MIN_INSYNC', '2', 'at most KAFKA_REPLICATION (1)'],
    ['KAFKA_SSL', 'maybe', 'true or false'],
    ['KAFKA_SASL_MECHANISM', 'gssapi', 'plain, scram-sha-256 or scram-sha-512'],
    ['DEFAULT_CAMPAIGN_TOTAL', '10000001', 'an integer from 1 to 10000000'],
    ['ALLOW_INSECURE', 'true', 'a list out of no-password, plain-text, one-replica, unsynced-commit'],
    ['MAX_INFLIGHT_PER_CONNECTION', '0', 'an integer from 1'],
    ['MAX_CONNECTIONS', '0', 'an integer from 1'],
    ['MAX_CONNECTIONS_PER_ADDRESS', '-1', 'an integer from 0'],
    ['KEEP_ALIVE_MS', '999', 'an integer from 1000 to 3600000'],
    ['READ_CONCURRENCY', '0', 'an integer from 1'],
    ['BASE_PATH', 'coupons', 'a path such as /coupons'],
    ['BASE_PATH', '/coupons/', 'a path such as /coupons'],
    ['BASE_PATH', '/', 'a path such as /coupons'],
    ['LOG_FORMAT', 'xml', 'json or pretty'],
    ['ACCESS_LOG', 'true', 'off, errors or all'],
    ['LOG_LEVEL', 'loud', 'fatal, error, warn, info, debug or verbose'],
  ])('refuses %s=%s and names what it expects', (name, value, expectation) => {
    const line = mistakesOf({ [name]: value }).find((mistake) => mistake.startsWith(`${name}: expected `));
    expect(line).toContain(expectation);
    expect(line).toContain(`${JSON.stringify(value)} was given`);
  });

  it.each([
    ['REDIS_URL', 'http://:hunter2@cache'],
    ['REDIS_URL', 'redis://:hunter2@cache?enableOfflineQueue=true'],
    ['DATABASE_URL', 'mysql://hunter2@db'],
    ['DATABASE_URL', 'postgres://user:hunter2@db/coupon'],
    ['ADMIN_TOKEN', 'hunter2'],
    ['ADMIN_TOKEN', 'hunter2 hunter2 hunter2'],
  ])('refuses a wrong %s without repeating the secret', (name, value) => {
    const mistakes = mistakesOf({ [name]: value });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(new RegExp(`^${name}: expected .*not shown`));
    expect(mistakes.join()).not.toContain('hunter2');
  });

  it('demands the name of a database whose certificate is to be verified', () => {
    for (const host of ['10.0.0.7', '[::1]']) {
      const source = { ...DISTRIBUTED, DATABASE_SSL: 'on', DATABASE_URL: `mysql://coupon:secret@${host}:3306/coupon` };
      expect(mistakesOf(source)).toEqual([expect.stringMatching(/^DATABASE_URL: expected the server's name/)]);
      expect(mistakesOf({ ...source, DATABASE_SSL: 'off' })).toEqual([]);
    }
    expect(mistakesOf({ ...DISTRIBUTED, DATABASE_SSL: 'on' })).toEqual([]);
  });

  it('names everything that the distributed profile lacks, in one go', () => {
    const mistakes = mistakesOf({ PROFILE: 'distributed', PORT: 'x', REDIS_URL: '' });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'PORT',
      'REDIS_URL',
      'KAFKA_BROKERS',
      'DATABASE_URL',
      'ADMIN_TOKEN',
    ]);
  });

  it('demands 32 characters of admin token in the distributed profile only', () => {
    expect(mistakesOf({ ...DISTRIBUTED, ADMIN_TOKEN: 'a'.repeat(31) })).toEqual([
      expect.stringMatching(/^ADMIN_TOKEN: expected at least 32 characters/),
    ]);
    expect(mistakesOf({ ...DISTRIBUTED, ADMIN_TOKEN: 'short' })).toHaveLength(1);
    expect(mistakesOf({ ADMIN_TOKEN: 'a'.repeat(16) })).toEqual([]);
  });

  it('takes the Kafka credentials together or not at all', () => {
    expect(mistakesOf({ KAFKA_SASL_USERNAME: 'coupon' }).map((mistake) => mistake.split(':')[0])).toEqual([
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD',
    ]);
  });
});

describe('the admin token', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'coupon-token-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('is made once, readable by its owner only, and found again by the next start', () => {
    const nested = join(dataDir, 'not', 'there');
    const first = loadAdminToken({ adminToken: undefined, dataDir: nested });
    const second = loadAdminToken({ adminToken: undefined, dataDir: nested });
    expect(first.created).toBe(true);
    expect(second.created).toBe(false);
    expect(second.value).toBe(first.value);
    expect(first.value.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(nested, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('is closed again to others when its file was copied carelessly', () => {
    writeFileSync(join(dataDir, 'admin-token'), 'b'.repeat(40), { mode: 0o644 });
    expect(loadAdminToken({ adminToken: undefined, dataDir }).value).toBe('b'.repeat(40));
    expect(statSync(join(dataDir, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('is refused when its file was emptied', () => {
    writeFileSync(join(dataDir, 'admin-token'), '\n');
    expect(() => loadAdminToken({ adminToken: undefined, dataDir })).toThrow(ConfigurationError);
  });

  it('comes from the environment before the file, and reaches every module', async () => {
    const config = parseEnv({ ADMIN_TOKEN: 'c'.repeat(20), DATA_DIR: join(dataDir, 'unused') });
    const app = await Test.createTestingModule({ imports: [ConfigModule.for(config)] }).compile();
    expect(app.get(AdminToken).matches('c'.repeat(20))).toBe(true);
    expect(app.get(AdminToken).matches('c'.repeat(21))).toBe(false);
    expect(app.get(AdminToken).matches('')).toBe(false);
    expect(app.get(AppConfig)).toBe(config);
    expect(statSync(join(dataDir, 'unused'), { throwIfNoEntry: false })).toBeUndefined();
  });
});
