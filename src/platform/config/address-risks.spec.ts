import { describe, expect, it } from '@jest/globals';
import { riskyAddresses } from './address-risks.js';
import { parseEnv } from './env.js';

const SAFE = {
  PROFILE: 'distributed',
  IDENTITY: 'open',
  REDIS_URL: 'rediss://:secret@cache:6379',
  KAFKA_BROKERS: 'kafka:9092',
  KAFKA_SSL: 'true',
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'coupon',
  KAFKA_SASL_PASSWORD: 'secret',
  DATABASE_URL: 'mysql://coupon:secret@db/coupon',
  DATABASE_SSL: 'true',
  ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
};

describe('addresses', () => {
  const risksOf = (env: Record<string, string | undefined>) =>
    riskyAddresses(parseEnv({ ...SAFE, ...env })).map(({ risk, finding }) => `${risk}: ${finding}`);

  it('show no risk with passwords and TLS, nor in the embedded profile', () => {
    expect(risksOf({})).toEqual([]);
    expect(risksOf({ PROFILE: 'embedded', REDIS_URL: 'redis://cache' })).toEqual([]);
  });

  it.each([
    [{ REDIS_URL: 'rediss://cache:6379' }, /^no-password: REDIS_URL has no password/],
    [{ DATABASE_URL: 'mysql://coupon@db/coupon' }, /^no-password: DATABASE_URL has no password/],
    [{ DATABASE_URL: 'mysql://coupon:@db/coupon' }, /^no-password: DATABASE_URL has no password/],
    [
      { KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' },
      /^no-password: no KAFKA_SASL variable/,
    ],
    [{ REDIS_URL: 'redis://:secret@cache' }, /^plain-text: REDIS_URL .*rediss:\/\//],
    [{ KAFKA_SSL: 'false' }, /^plain-text: KAFKA_BROKERS .*KAFKA_SSL=true/],
    [{ KAFKA_SSL: 'false', KAFKA_BROKERS: '127.0.0.1:9092,kafka:9092' }, /^plain-text: KAFKA_BROKERS/],
    [{ DATABASE_SSL: 'false' }, /^plain-text: DATABASE_URL .*DATABASE_SSL=true/],
    [{ DATABASE_SSL: 'false', DATABASE_URL: 'mysql://coupon:secret@10.0.0.1/coupon' }, /^plain-text: DATABASE_URL/],
  ])('show the risk of %j', (env, line) => {
    expect(risksOf(env)).toEqual([expect.stringMatching(line)]);
  });

  it.each(['embedded', 'distributed'])('show that keys of tokens come in plain text, %s', (PROFILE) => {
    const jwt = { PROFILE, IDENTITY: 'jwt', JWT_ISSUER: 'a', JWT_AUDIENCE: 'b' };
    const risky = risksOf({ ...jwt, JWT_JWKS_URL: 'http://keycloak:8080/certs' });
    expect(risky).toEqual([expect.stringMatching(/^plain-text: JWT_JWKS_URL .*https:\/\/ encrypts it/)]);
    expect(risksOf({ ...jwt, JWT_JWKS_URL: 'https://keycloak/certs' })).toEqual([]);
    expect(risksOf({ ...jwt, JWT_JWKS_URL: 'http://127.0.0.1:8080/certs' })).toEqual([]);
  });

  it.each(['localhost', '127.0.0.1', '127.1.2.3'])('may be reached in plain text on %s', (host) => {
    const env = {
      REDIS_URL: `redis://:secret@${host}`,
      DATABASE_URL: `mysql://coupon:secret@${host}/coupon`,
      KAFKA_BROKERS: `${host}:9092`,
      KAFKA_SSL: 'false',
      DATABASE_SSL: 'false',
    };
    expect(risksOf(env)).toEqual([]);
    expect(risksOf({ ...env, REDIS_URL: 'redis://:secret@[::1]:6379' })).toEqual([]);
  });
});
