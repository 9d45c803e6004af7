import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseEnv } from './env.js';
import { ConfigurationError } from './startup-error.js';
import { SECRETS } from './variables.js';

const VALUES = {
  REDIS_URL: 'redis://:secret-redis@cache:6379',
  DATABASE_URL: 'mysql://coupon:secret-db@db/coupon',
  KAFKA_SASL_USERNAME: 'secret-user',
  KAFKA_SASL_PASSWORD: 'secret-password',
  ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
  ADMIN_TOKEN_NEXT: 'r8Tz1WqYb6NfK3xPjH0vUe9LmCs5AdG2',
  TURNSTILE_SECRET: '0x4AAAAAAA-secret-turnstile',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret-otlp',
};
const OTHERS = {
  PROFILE: 'distributed',
  IDENTITY: 'open',
  KAFKA_BROKERS: 'kafka:9092',
  KAFKA_SASL_MECHANISM: 'plain',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector:4318',
};

describe('a secret in a file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-secrets-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const fileWith = (content: string | Uint8Array): string => {
    const path = join(directory, 'secret-file');
    writeFileSync(path, content);
    return path;
  };
  /** All secrets are variables, except the one that comes from `path`. */
  const withFile = (name: (typeof SECRETS)[number], path: string) =>
    parseEnv({ ...OTHERS, ...VALUES, [name]: undefined, [`${name}_FILE`]: path });
  const mistakesOf = (read: () => unknown): readonly string[] => {
    try {
      read();
    } catch (error) {
      if (error instanceof ConfigurationError) return error.mistakes;
      throw error;
    }
    return [];
  };

  it.each(SECRETS)('%s is taken as if it were the variable, without the line break at its end', (name) => {
    const expected = parseEnv({ ...OTHERS, ...VALUES });
    for (const end of ['', '\n', '\r\n']) expect(withFile(name, fileWith(VALUES[name] + end))).toEqual(expected);

    symlinkSync(fileWith(VALUES[name]), join(directory, 'link'));
    expect(withFile(name, join(directory, 'link'))).toEqual(expected);
  });

  it('loses one line break at its end and nothing else', () => {
    expect(withFile('KAFKA_SASL_PASSWORD', fileWith(' a b \n\n')).kafka.sasl?.password).toBe(' a b \n');
  });

  it.each(SECRETS)('%s is refused with its name, and neither path nor content, when the file is of no use', (name) => {
    const refused = (path: string, why: string) => {
      expect(mistakesOf(() => withFile(name, path))).toEqual([
        `${name}_FILE: expected a file that holds the secret; ${why}`,
      ]);
    };
    refused(join(directory, 'missing'), 'it does not exist');
    refused(VALUES.ADMIN_TOKEN, 'it does not exist');
    refused(directory, 'it is a directory');
    refused('/dev/zero', 'it is not a regular file');
    refused(`${fileWith('x')}/below`, 'it cannot be read (ENOTDIR)');
    refused(fileWith('\n'), 'it is empty');
    refused(fileWith(''), 'it is empty');
    refused(fileWith(Uint8Array.of(0xff, 0xfe, 0x41, 0x00)), 'it is not UTF-8 text');
    refused(fileWith('x'.repeat(65_537)), 'it is longer than 65536 bytes');
    execFileSync('mkfifo', [join(directory, 'pipe')]);
    refused(join(directory, 'pipe'), 'it is not a regular file');
    mkdirSync(join(directory, 'loop'));
    symlinkSync(join(directory, 'loop', 'one'), join(directory, 'loop', 'one'));
    refused(join(directory, 'loop', 'one'), 'it cannot be read (ELOOP)');
  });

  it.each(SECRETS)('%s is refused when the variable is set too', (name) => {
    const path = fileWith(VALUES[name]);
    expect(mistakesOf(() => parseEnv({ ...OTHERS, ...VALUES, [`${name}_FILE`]: path }))).toEqual([
      `${name}_FILE: expected no ${name} beside it; both are set`,
    ]);
  });

  it('has to follow the rules of the variable, and its mistakes name the file', () => {
    const path = fileWith('redis://:secret-redis@cache/abc\n');
    expect(mistakesOf(() => withFile('REDIS_URL', path))).toEqual([
      expect.stringMatching(
        /^REDIS_URL_FILE: expected redis:.*; something else stands in the file \(31 characters, not/,
      ),
    ]);
    expect(mistakesOf(() => withFile('ADMIN_TOKEN', fileWith('a'.repeat(40))))).toEqual([
      expect.stringMatching(/^ADMIN_TOKEN_FILE: expected a token that cannot be guessed/),
    ]);
  });
});
