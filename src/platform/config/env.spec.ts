import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { AdminToken, loadAdminToken } from '../identity/admin-token.js';
import { ConfigModule } from './config.module.js';
import { AppConfig, parseEnv } from './env.js';
import { ConfigurationError } from './startup-error.js';
import { ENV_VARIABLES } from './variables.js';

const DISTRIBUTED = {
  PROFILE: 'distributed',
  IDENTITY: 'open',
  REDIS_URL: 'redis://cache:6379',
  KAFKA_BROKERS: 'kafka-1:9092, 10.0.0.7:9093',
  DATABASE_URL: 'mysql://coupon:secret@db:3306/coupon',
  ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
};

const TOKENS = {
  IDENTITY: 'jwt',
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'coupons',
  JWT_JWKS_URL: 'https://issuer.example/keys',
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
        admin: undefined,
        docs: true,
        twoPerson: false,
        pages: true,
        identity: 'open',
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
        failedEventRetentionMs: 2_592_000_000,
        refusalsKeptPerSecond: 2_000,
        refusalRetentionMs: 2_592_000_000,
        closeAfterEndMs: 86_400_000,
        gateRetentionMs: 3_600_000,
        adminToken: undefined,
        adminTokenNext: undefined,
        allowInsecure: new Set(),
        http: {
          maxInflightPerConnection: 16,
          maxConnections: undefined,
          maxConnectionsPerAddress: 0,
          keepAliveMs: 65_000,
          readConcurrency: 8,
          maxWatchers: 10_000,
          trustedProxies: null,
          basePath: '',
          corsOrigins: null,
        },
        jwt: undefined,
        rates: { user: null, address: null, totalPerSecond: null },
        entry: { rateLimit: { count: 300, windowMs: 60_000 }, turnstile: undefined, challengeFailsOpen: false },
        logLevel: 'info',
        logFormat: undefined,
        accessLog: 'off',
        tracing: undefined,
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

  it('accepts addresses of servers in all their forms', () => {
    for (const [name, value] of [
      ['REDIS_URL', 'redis://cache'],
      ['REDIS_URL', 'redis://cache:6379/'],
      ['REDIS_URL', 'rediss://user:p%40ss%25@10.0.0.1:6379/15'],
      ['REDIS_URL', 'redis://:secret@[::1]:6379/0'],
      ['DATABASE_URL', 'mysql://coupon@db/coupon'],
      ['DATABASE_URL', 'mysql://coupon:p%2Fss@[fe80::1]:3306/my%20coupons'],
      ['KAFKA_BROKERS', 'localhost:9092,10.0.0.1:65535, kafka_2.internal:1'],
      ['HOST', '::1'],
      ['HOST', 'localhost'],
    ] as const) {
      expect([value, mistakesOf({ ...DISTRIBUTED, [name]: value })]).toEqual([value, []]);
    }
  });

  it.each([
    ['PROFILE', 'cluster', 'embedded or distributed'],
    ['ROLES', 'api,worker', 'api, consumer, retry'],
    ['ROLES', ',', 'api, consumer, retry'],
    ['HOST', 'a b', 'an address'],
    ['HOST', 'localhost:3000', 'an address'],
    ['HOST', '10.0.0.256', 'an address'],
    ['HOST', '[::1]', 'an address'],
    ['HOST', 'http://localhost', 'an address'],
    ['DATA_DIR', '~/data', 'only a shell knows ~'],
    ['PORT', '65536', 'an integer from 0 to 65535'],
    ['PORT', '-1', 'an integer from 0 to 65535'],
    ['PORT', '3e3', 'an integer from 0 to 65535'],
    ['PORT', 'http', 'an integer from 0 to 65535'],
    ['KAFKA_BROKERS', 'kafka', 'host:port'],
    ['KAFKA_BROKERS', 'kafka:9092,', 'host:port'],
    ['KAFKA_BROKERS', 'kafka:99999', 'host:port'],
    ['KAFKA_BROKERS', '[::1]:9092', 'host:port'],
    ['KAFKA_BROKERS', 'kafka:0', 'host:port'],
    ['KAFKA_BROKERS', 'kafka://kafka:9092', 'host:port'],
    ['KAFKA_TOPIC', 'a topic', '1 to 249'],
    ['KAFKA_TOPIC', '..', '1 to 249'],
    ['KAFKA_GROUP_ID', 'a group', '1 to 249'],
    ['DATABASE_SSL', 'REQUIRED', 'true or false'],
    ['MIGRATE_ON_START', 'no', 'true or false'],
    ['KAFKA_PARTITIONS', '0', 'an integer from 1'],
    ['KAFKA_MIN_INSYNC', '2', 'at most KAFKA_REPLICATION (1)'],
    ['ADMIN_PORT', '3000', 'another port than PORT'],
    ['ADMIN_PORT', '70000', 'an integer from 0'],
    ['ADMIN_HOST', 'a b', 'an address or a host name'],
    ['ADMIN_TRUST_PROXY', '1', 'off, or same'],
    ['DOCS', 'maybe', 'true or false'],
    ['PAGES', 'maybe', 'true or false'],
    ['KAFKA_SSL', 'maybe', 'true or false'],
    ['KAFKA_SASL_MECHANISM', 'gssapi', 'plain, scram-sha-256 or scram-sha-512'],
    ['DEFAULT_CAMPAIGN_TOTAL', '10000001', 'an integer from 1 to 10000000'],
    ['FAILED_EVENT_RETENTION', '30', 'a time from 1h to 3650d'],
    ['FAILED_EVENT_RETENTION', '59m', 'a time from 1h to 3650d'],
    ['FAILED_EVENT_RETENTION', '3651d', 'a time from 1h to 3650d'],
    ['GATE_RETENTION', '60', 'a number with s, m, h or d behind it, such as 90s, 1h or 30d; or never'],
    ['CLOSE_AFTER_END', '1.5h', 'a number with s, m, h or d behind it, such as 90s, 1h or 30d; or never'],
    ['ALLOW_INSECURE', 'true', 'a list out of no-password, plain-text, one-replica, unsynced-commit'],
    ['MAX_INFLIGHT_PER_CONNECTION', '0', 'an integer from 1'],
    ['MAX_CONNECTIONS', '0', 'an integer from 1'],
    ['MAX_CONNECTIONS_PER_ADDRESS', '-1', 'an integer from 0'],
    ['KEEP_ALIVE_MS', '999', 'an integer from 1000 to 3600000'],
    ['REFUSALS_KEPT_PER_SECOND', '-1', 'an integer from 0'],
    ['REFUSAL_RETENTION', '30', 'a time from 1h to 3650d'],
    ['READ_CONCURRENCY', '0', 'an integer from 1'],
    ['TRUST_PROXY', 'true', 'off, a number of proxies'],
    ['TRUST_PROXY', '0', 'off, a number of proxies'],
    ['TRUST_PROXY', '10.0.0.0/33', 'off, a number of proxies'],
    ['TRUST_PROXY', 'proxy.internal', 'off, a number of proxies'],
    ...[
      '0/10s',
      '-1/10s',
      '10/0s',
      '10',
      '10/s',
      '10/10',
      '10/10d',
      '1e3/1s',
      '10/25h',
      '1000001/1s',
      '10 / 10s',
      'on',
    ].map((value) => ['RATE_LIMIT_USER', value, 'off, or a number of claims']),
    ...[
      'shop.example',
      'https://shop.example/',
      'https://shop.example/path',
      'https://Shop.example',
      'https://shop.example:443',
      'https://*.shop.example',
      'ftp://shop.example',
      'null',
      '*,https://shop.example',
    ].map((value) => ['CORS_ORIGINS', value, 'origins such as https://shop.example']),
    ['CORS_ORIGINS', '*', 'a list of origins, because * is only for IDENTITY=jwt'],
    ['RATE_LIMIT_IP', '0/1m', 'off, or a number of claims'],
    ...['0', '-5', '1.5', '2000/1s', '1000001', 'on'].map((value) => [
      'RATE_LIMIT_TOTAL',
      value,
      'off, or a number of claims per second',
    ]),
    ['ENTRY_RATE_LIMIT', '10', 'off, or a number'],
    ['TURNSTILE_URL', 'http://verify.example/', 'an https:// URL'],
    ['TURNSTILE_URL', 'siteverify', 'an https:// URL'],
    ['CHALLENGE_FAIL', 'maybe', 'closed or open'],
    ['BASE_PATH', 'coupons', 'a path such as /coupons'],
    ['BASE_PATH', '/coupons/', 'a path such as /coupons'],
    ['BASE_PATH', '/', 'a path such as /coupons'],
    ['BASE_PATH', '/a/../b', 'a path such as /coupons'],
    ['LOG_FORMAT', 'xml', 'json or pretty'],
    ['ACCESS_LOG', 'true', 'off, errors or all'],
    ['LOG_LEVEL', 'loud', 'fatal, error, warn, info, debug or verbose'],
  ])('refuses %s=%s and names what it expects', (name, value, expectation) => {
    const line = mistakesOf({ [name]: value }).find((mistake) => mistake.startsWith(`${name}: expected `));
    expect(line).toContain(expectation);
    expect(line).toContain(`${JSON.stringify(value)} was given`);
  });

  it.each([
    ['CORS_ORIGINS', 'https://user:hunter2@shop.example', '"https://…@shop.example" was given'],
    ['CORS_ORIGINS', 'https://a.example,https://user:hunter2@b.example', '"https://…@b.example" was given'],
    ['TURNSTILE_URL', 'https://user:hunter2@verify.example/', '"https://…@verify.example/" was given'],
    ['TURNSTILE_URL', 'http://verify.example/?secret=hunter2', '"http://verify.example/?…" was given'],
    ['TURNSTILE_URL', 'https://user:hun?ter2@verify.example/', '"https://…" was given'],
    ['JWT_JWKS_URL', 'ftp://user:hunter2@issuer.example/keys', '"ftp://…@issuer.example/keys" was given'],
    ['JWT_JWKS_URL', 'user:hunter2@issuer.example/keys', '"…@issuer.example/keys" was given'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'ftp://collector.example/?token=hunter2@x', '"ftp://…" was given'],
  ])('refuses %s=%j without repeating the password in it', (name, value, told) => {
    const line = mistakesOf({ [name]: value }).find((mistake) => mistake.startsWith(`${name}: expected `));
    expect(line).toContain(told);
    expect(line).not.toMatch(/hun|ter2/);
  });

  it.each([
    ['REDIS_URL', 'http://:hunter2@cache', 'redis://'],
    ['REDIS_URL', 'redis://:hunter2@cache?enableOfflineQueue=true', 'without a query'],
    ['REDIS_URL', 'redis://:hunter2@cache/0?', 'without a query'],
    ['REDIS_URL', 'redis://:hunter2@cache/abc', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/-1', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/1.5', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/0/1', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/0/', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache//', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/%30', 'a number'],
    ['REDIS_URL', 'redis://:hunter2@cache/0#1', 'without a fragment'],
    ['REDIS_URL', 'redis://:hunter2%@cache', '% is written %25'],
    ['REDIS_URL', 'redis://:hunter2%E0%A4@cache', '% is written %25'],
    ['REDIS_URL', 'redis://hunter2%zz:x@cache', '% is written %25'],
    ['REDIS_URL', 'redis://hunter2@cache', 'a password behind the user'],
    ['REDIS_URL', 'redis://:hunter2@:6379', 'percent-encoded'],
    ['REDIS_URL', 'redis://:hunter2@cache:0', 'a port from 1'],
    ['REDIS_URL', 'redis://:hunter2@cache:65536', 'percent-encoded'],
    ['REDIS_URL', 'redis://:hunter2@ca%20che', 'a name or an address'],
    ['REDIS_URL', 'redis://:hunter2@10.0.0.256', 'a name or an address'],
    ['REDIS_URL', ' redis://:hunter2@cache', 'percent-encoded'],
    ['REDIS_URL', 'redis://:hunter2\n@cache', 'percent-encoded'],
    ['REDIS_URL', 'redis:hunter2', 'a name or an address'],
    ['REDIS_URL', 'hunter2:6379', 'redis://'],
    ['DATABASE_URL', 'mysql://hunter2@db', 'the name of one database'],
    ['DATABASE_URL', 'postgres://user:hunter2@db/coupon', 'mysql://'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon?ssl-mode=REQUIRED', 'TLS is DATABASE_SSL=true'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon?', 'without a query'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon#x', 'without a fragment'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon/', 'no further slash'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon/other', 'no further slash'],
    ['DATABASE_URL', 'mysql://user:hunter2@db//coupon', 'no further slash'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon%2F', 'no further slash'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/', 'the name of one database'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/coupon%', 'the name of one database'],
    ['DATABASE_URL', `mysql://user:hunter2@db/${'c'.repeat(65)}`, 'the name of one database'],
    ['DATABASE_URL', 'mysql://user:hunter2%@db/coupon', '% is written %25'],
    ['DATABASE_URL', 'mysql://user%:hunter2@db/coupon', '% is written %25'],
    ['DATABASE_URL', 'mysql://user:hunter#2@db/coupon', 'percent-encoded'],
    ['DATABASE_URL', 'mysql://:hunter2@db/coupon', 'with a user'],
    ['DATABASE_URL', 'mysql://user:hunter2@/coupon', 'percent-encoded'],
    ['DATABASE_URL', 'mysql://user:hunter2@db:0/coupon', 'a port from 1'],
    ['ADMIN_TOKEN', 'hunter2', '16 to 512 printable'],
    ['ADMIN_TOKEN', 'hunter2 hunter2 hunter2', '16 to 512 printable'],
    ['ADMIN_TOKEN_NEXT', 'hunter2', '16 to 512 printable'],
  ])('refuses %s=%j without repeating the secret', (name, value, expectation) => {
    const mistakes = mistakesOf({ ...DISTRIBUTED, [name]: value });
    expect(mistakes).toEqual([expect.stringMatching(new RegExp(`^${name}: expected .*not shown`))]);
    expect(mistakes[0]).toContain(expectation);
    expect(mistakes[0]).not.toMatch(/hunter/);
  });

  it.each(ENV_VARIABLES.filter((name) => /^(REDIS|KAFKA|DATABASE|MIGRATE)_/.test(name)))(
    'refuses %s without a PROFILE, because only the distributed one reads it',
    (name) => {
      const [file, value] = [join(tmpdir(), `coupon-${process.pid}`), 'true'];
      const source = { [name]: name.endsWith('_FILE') ? file : value };
      expect(mistakesOf(source).find((mistake) => mistake.startsWith('PROFILE: expected distributed'))).toMatch(
        new RegExp(`because of ${name}; or embedded, .*; it is not set$`),
      );
      expect(mistakesOf({ PROFILE: 'embedded', ...source }).join()).not.toContain('PROFILE');
    },
  );

  it.each([
    ['10/10s', { count: 10, windowMs: 10_000 }],
    ['600/1m', { count: 600, windowMs: 60_000 }],
    ['1000000/24h', { count: 1_000_000, windowMs: 86_400_000 }],
    ['off', null],
    ['', null],
  ])('reads the rate %j', (text, rate) => {
    const { rates } = parseEnv({ RATE_LIMIT_USER: text, RATE_LIMIT_IP: text, RATE_LIMIT_TOTAL: '2000' });
    expect(rates).toEqual({ user: rate, address: rate, totalPerSecond: 2_000 });
  });

  it('limits a user only where a token says who that is, unless the variable says otherwise', () => {
    const rateOf = (source: Record<string, string>) => parseEnv(source).rates.user;
    expect(rateOf({ IDENTITY: 'open' })).toBeNull();
    expect(rateOf({ IDENTITY: 'key' })).toBeNull();
    expect(rateOf({ ...TOKENS })).toEqual({ count: 10, windowMs: 10_000 });
    expect(rateOf({ ...TOKENS, RATE_LIMIT_USER: 'off' })).toBeNull();
    expect(rateOf({ ...TOKENS, RATE_LIMIT_USER: '1/1m' })).toEqual({ count: 1, windowMs: 60_000 });
  });

  it('lets pages of any origin call only where each user has a token', () => {
    expect(parseEnv({ ...TOKENS, CORS_ORIGINS: '*' }).http.corsOrigins).toEqual(['*']);
    expect(mistakesOf({ IDENTITY: 'key', CORS_ORIGINS: '*' })).toEqual([expect.stringMatching(/^CORS_ORIGINS: /)]);
  });

  it('reads the origins whose pages may call', () => {
    const { http } = parseEnv({ CORS_ORIGINS: 'https://shop.example, http://localhost:5173' });
    expect(http.corsOrigins).toEqual(['https://shop.example', 'http://localhost:5173']);
  });

  it('requires a name for a database whose certificate is verified', () => {
    for (const host of ['10.0.0.7', '[::1]']) {
      const source = { ...DISTRIBUTED, DATABASE_SSL: 'on', DATABASE_URL: `mysql://coupon:secret@${host}:3306/coupon` };
      expect(mistakesOf(source)).toEqual([expect.stringMatching(/^DATABASE_URL: expected the server's name/)]);
      expect(mistakesOf({ ...source, DATABASE_SSL: 'off' })).toEqual([]);
    }
    expect(mistakesOf({ ...DISTRIBUTED, DATABASE_SSL: 'on' })).toEqual([]);
  });

  it('names everything that the distributed profile lacks in one message', () => {
    const mistakes = mistakesOf({ PROFILE: 'distributed', PORT: 'x', REDIS_URL: '' });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'PORT',
      'REDIS_URL',
      'KAFKA_BROKERS',
      'DATABASE_URL',
      'ADMIN_TOKEN',
      'IDENTITY',
    ]);
  });

  it('has no default for IDENTITY in the distributed profile', () => {
    expect(mistakesOf({ ...DISTRIBUTED, IDENTITY: undefined })).toEqual([
      expect.stringMatching(/^IDENTITY: expected key, jwt, or open .*; it is not set$/),
    ]);
    expect(mistakesOf({ IDENTITY: 'none' })).toEqual([expect.stringMatching(/^IDENTITY: expected open, key or jwt;/)]);
    expect(parseEnv({ IDENTITY: 'key' }).identity).toBe('key');
  });

  it.each(['ADMIN_TOKEN', 'ADMIN_TOKEN_NEXT'])(
    'demands a %s that cannot be guessed in the distributed profile',
    (name) => {
      const refused = (value: string, expectation: string) =>
        expect(mistakesOf({ ...DISTRIBUTED, [name]: value })).toEqual([
          expect.stringMatching(new RegExp(`^${name}: expected ${expectation}`)),
        ]);
      refused(DISTRIBUTED.ADMIN_TOKEN.slice(1), 'at least 32 characters');
      refused('short', '16 to 512 printable');
      refused('a'.repeat(48), 'a token that cannot be guessed');
      expect(mistakesOf({ [name]: 'a'.repeat(16) })).toEqual([]);
    },
  );

  it('refuses a next token that is the same as the current one', () => {
    const token = DISTRIBUTED.ADMIN_TOKEN;
    expect(mistakesOf({ ADMIN_TOKEN: token, ADMIN_TOKEN_NEXT: token })).toEqual([
      expect.stringMatching(/^ADMIN_TOKEN_NEXT: expected another token than ADMIN_TOKEN; .*not shown/),
    ]);
  });

  it('requires all Kafka credentials or none', () => {
    expect(
      mistakesOf({ ...DISTRIBUTED, KAFKA_SASL_USERNAME: 'coupon' }).map((mistake) => mistake.split(':')[0]),
    ).toEqual(['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD']);
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
    const first = loadAdminToken({ ...parseEnv({}), dataDir: nested });
    const second = loadAdminToken({ ...parseEnv({}), dataDir: nested });
    expect(first.created).toBe(true);
    expect(second.created).toBe(false);
    expect(second.value).toBe(first.value);
    expect(first.value.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(nested, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('gets mode 0600 again when its file was copied with a wider one', () => {
    writeFileSync(join(dataDir, 'admin-token'), 'b'.repeat(40), { mode: 0o644 });
    expect(loadAdminToken({ ...parseEnv({}), dataDir }).value).toBe('b'.repeat(40));
    expect(statSync(join(dataDir, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('is refused when its file was emptied', () => {
    writeFileSync(join(dataDir, 'admin-token'), '\n');
    expect(() => loadAdminToken({ ...parseEnv({}), dataDir })).toThrow(ConfigurationError);
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

  it.each([
    ['the variable', { ADMIN_TOKEN: 'c'.repeat(20) }],
    ['the file', {}],
  ])('stands beside the next one while callers change, when it comes from %s', (_where, env) => {
    const token = loadAdminToken(parseEnv({ ...env, ADMIN_TOKEN_NEXT: 'd'.repeat(20), DATA_DIR: dataDir }));
    expect([token.value, 'd'.repeat(20), 'e'.repeat(20), '', 'undefined'].map((text) => token.matches(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
