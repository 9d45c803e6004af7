import { isIP } from 'node:net';
import { isWeakToken } from '../identity/weak-token.js';
import { ENV_VARIABLES, type Source, variables } from './variables.js';

/** Variables that only the distributed profile reads. */
const DISTRIBUTED_ONLY = ENV_VARIABLES.filter((name) => /^(?:REDIS|KAFKA|DATABASE)_|^MIGRATE_ON_START$/.test(name));

const SASL = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'];

/**
 * Finds variables that contradict each other. It checks their texts, so the operator sees these mistakes together with
 * those of single variables.
 *
 * @param values the variables, with secrets from their files.
 * @param refuse gets the variable and the expected value.
 */
export function findContradictions(values: Source, refuse: (name: string, expectation: string) => void): void {
  if (values['PROFILE'] === undefined) requireProfile(values, refuse);
  if (values['PROFILE'] === 'distributed') requireServers(values, refuse);
  if (SASL.some((name) => values[name] !== undefined)) {
    for (const name of SASL.filter((name) => values[name] === undefined)) {
      refuse(name, 'a value, because the other KAFKA_SASL variables are set');
    }
  }
  if (values['ADMIN_HOST'] !== undefined && values['ADMIN_PORT'] === undefined) {
    refuse('ADMIN_PORT', 'a port, because ADMIN_HOST is set');
  }
  if (values['ADMIN_TRUST_PROXY'] === 'same' && values['ADMIN_PORT'] === undefined) {
    refuse('ADMIN_PORT', 'a port, because ADMIN_TRUST_PROXY is set');
  }
  const adminPort = values['ADMIN_PORT'];
  const isSamePort = adminPort !== undefined && adminPort !== '0' && adminPort === (values['PORT'] ?? '3000');
  if (isSamePort && (values['ADMIN_HOST'] ?? values['HOST']) === values['HOST']) {
    refuse('ADMIN_PORT', 'another port than PORT, or another ADMIN_HOST than HOST');
  }
  if (values['ADMIN_TOKEN_NEXT'] !== undefined && values['ADMIN_TOKEN_NEXT'] === values['ADMIN_TOKEN']) {
    refuse('ADMIN_TOKEN_NEXT', 'another token than ADMIN_TOKEN');
  }

  // A page that any user opens may then call. With open or key it could claim in the name of others.
  if (values['CORS_ORIGINS']?.trim() === '*' && values['IDENTITY'] !== 'jwt') {
    refuse('CORS_ORIGINS', 'a list of origins, because * is only for IDENTITY=jwt');
  }

  const databaseUrl = values['DATABASE_URL'] ?? '';
  const hasTls = variables.shape.DATABASE_SSL.safeParse(values['DATABASE_SSL']).data === true;
  // If the URL holds an address, mysql2 compares the server's certificate with the name localhost.
  if (hasTls && URL.canParse(databaseUrl) && isIP(new URL(databaseUrl).hostname.replace(/^\[|\]$/g, '')) !== 0) {
    refuse('DATABASE_URL', "the server's name instead of its address, because DATABASE_SSL is set");
  }

  const replication = Number(values['KAFKA_REPLICATION'] ?? 1);
  if (Number(values['KAFKA_MIN_INSYNC'] ?? 1) > replication) {
    refuse('KAFKA_MIN_INSYNC', `at most KAFKA_REPLICATION (${replication})`);
  }
}

/** Without PROFILE, a process that was meant for servers would run embedded and sell its own campaign `default`. */
function requireProfile(values: Source, refuse: (name: string, expectation: string) => void): void {
  const given = DISTRIBUTED_ONLY.filter((name) => values[name] !== undefined);
  if (given.length === 0) return;
  refuse(
    'PROFILE',
    `distributed, because of ${given.join(', ')}; or embedded, to run in this process alone and leave ` +
      `${given.length === 1 ? 'it' : 'them'} unread`,
  );
}

function requireServers(values: Source, refuse: (name: string, expectation: string) => void): void {
  for (const name of ['REDIS_URL', 'KAFKA_BROKERS', 'DATABASE_URL', 'ADMIN_TOKEN']) {
    if (values[name] === undefined) refuse(name, 'a value, because PROFILE is distributed');
  }
  // No default: a deployment that forgot the variable would let every caller claim for every user.
  if (values['IDENTITY'] === undefined) {
    refuse('IDENTITY', 'key, jwt, or open (where every caller may name any user), because PROFILE is distributed');
  }

  for (const name of ['ADMIN_TOKEN', 'ADMIN_TOKEN_NEXT']) {
    const token = values[name];
    if (token === undefined) continue;
    if (token.length < 32) refuse(name, 'at least 32 characters, because PROFILE is distributed');
    else if (isWeakToken(token)) refuse(name, 'a token that cannot be guessed, such as from: openssl rand -hex 24');
  }
}
