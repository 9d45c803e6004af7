import { type AppConfig } from './env.js';
import { type Risk } from './risks.js';

/** A risk that the addresses show, and one clause about its consequence. */
export interface Finding {
  readonly risk: Risk;
  readonly finding: string;
}

/** Finds the risks that the addresses of the servers show, before the service connects to any of them. */
export function riskyAddresses(config: AppConfig): Finding[] {
  const keySet = config.jwt?.keys.kind === 'url' ? new URL(config.jwt.keys.url) : undefined;
  const isPlain = keySet?.protocol === 'http:' && !isLoopback(keySet.hostname);
  const ofTokens = plainText(isPlain, 'JWT_JWKS_URL', 'https://');
  if (!config.isDistributed()) return ofTokens;
  const redis = new URL(config.redisUrl);
  const database = new URL(config.databaseUrl);
  const { brokers, sasl, ssl } = config.kafka;
  const remoteBroker = brokers.find((broker) => !isLoopback(broker.slice(0, broker.lastIndexOf(':'))));
  return [
    ...ofTokens,
    ...noPassword(redis.password === '', 'REDIS_URL has no password', 'Redis'),
    ...noPassword(sasl === undefined, 'no KAFKA_SASL variable is set', 'Kafka'),
    ...noPassword(database.password === '', 'DATABASE_URL has no password', 'the database'),
    ...plainText(redis.protocol === 'redis:' && !isLoopback(redis.hostname), 'REDIS_URL', 'rediss://'),
    ...plainText(!ssl && remoteBroker !== undefined, 'KAFKA_BROKERS', 'KAFKA_SSL=true'),
    ...plainText(!config.databaseSsl && !isLoopback(database.hostname), 'DATABASE_URL', 'DATABASE_SSL=true'),
  ];
}

const noPassword = (found: boolean, what: string, server: string): Finding[] =>
  found ? [{ risk: 'no-password', finding: `${what}: everybody who reaches ${server} can change what it holds` }] : [];

const plainText = (found: boolean, variable: string, remedy: string): Finding[] =>
  found
    ? [{ risk: 'plain-text', finding: `${variable} leads to another host in plain text; ${remedy} encrypts it` }]
    : [];

function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host);
}
