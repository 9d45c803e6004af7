import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadConfiguration } from './load-configuration.js';

describe('the configuration of a process', () => {
  const home = process.cwd();
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-env-'));
    process.chdir(directory);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(directory, { recursive: true });
  });

  const write = (content: string | Uint8Array) => writeFileSync('.env', content);

  it('is the environment if there is no .env', () => {
    const { config, origin, warnings } = loadConfiguration({ PORT: '4000' });
    expect([config.port, origin, warnings]).toEqual([4000, 'configuration: the environment', []]);
  });

  it('takes from .env what the environment does not set, empty variables too, and counts it', () => {
    write(
      '\ufeff# a comment\r\nexport PORT=4000 # behind\r\nLOG_LEVEL="debug"\nHOST=::1\nROLES=api\nDATA_DIR=\n\nMINE=1\n',
    );
    const { config, origin, warnings } = loadConfiguration({ ROLES: 'retry', HOST: '' });
    expect([config.port, config.logLevel, config.host, [...config.roles], config.dataDir]).toEqual([
      4000,
      'debug',
      '127.0.0.1',
      ['retry'],
      './data',
    ]);
    expect([origin, warnings]).toEqual(['configuration: .env (2 variables) and the environment', []]);
  });

  it('takes secrets from .env, and changes nothing else in the process', () => {
    write(`ADMIN_TOKEN='${'a'.repeat(20)}'\nCOUPON_TEST_ONLY=1\n`);
    const { config, origin } = loadConfiguration({});
    expect(config.adminToken).toBe('a'.repeat(20));
    expect(origin).toBe('configuration: .env (1 variable) and the environment');
    expect(process.env['COUPON_TEST_ONLY']).toBeUndefined();
  });

  it('is used with a token that can be guessed, in the embedded profile, and warns without showing it', () => {
    const { warnings } = loadConfiguration({
      ADMIN_TOKEN: 'passwordpassword',
      ADMIN_TOKEN_NEXT: 'kW4nT7bq0Zx9LrD2mVhY',
    });
    expect(warnings).toEqual([expect.stringMatching(/^ADMIN_TOKEN can be guessed, .*openssl/)]);
    expect(warnings.join()).not.toContain('passwordpassword');
  });

  it("stands beside Docker Compose's variables in the same file", () => {
    write('REDIS_PASSWORD=a\nMYSQL_PASSWORD=b\nMYSQL_ROOT_PASSWORD=c\nAPI_PORT=3000-3001\nCOMPOSE_PROJECT_NAME=x\n');
    const { config, origin, warnings } = loadConfiguration({});
    expect([config.profile, origin, warnings]).toEqual([
      'embedded',
      'configuration: .env (0 variables) and the environment',
      [],
    ]);
  });

  it('names mistyped variables of both, and variables without effect in .env', () => {
    write('PROT=4000\nNODE_EXTRA_CA_CERTS=/ca.pem\n');
    expect(loadConfiguration({ LOG_LEVL: 'debug' }).warnings).toEqual([
      'NODE_EXTRA_CA_CERTS has no effect in .env, because Node reads it before; set it in the environment',
      'PROT is not read; is PORT meant?',
      'LOG_LEVL is not read; is LOG_LEVEL meant?',
    ]);
  });

  it('names mistyped variables also when the start is refused', () => {
    expect(() => loadConfiguration({ PROFILE: 'distributed', REDIS_ULR: 'redis://cache' })).toThrow(
      /REDIS_URL: expected[^]*\nREDIS_ULR is not read; is REDIS_URL meant\?$/,
    );
  });

  it.each([
    ['a directory', () => mkdirSync('.env'), 'it is a directory'],
    ['a loop', () => symlinkSync('.env', '.env'), 'it cannot be read (ELOOP)'],
    ['UTF-16', () => write(Buffer.from('\ufeffPORT=4000\n', 'utf16le')), 'it is not UTF-8 text'],
    ['endless', () => symlinkSync('/dev/zero', '.env'), 'it is not a regular file'],
    ['long', () => write(`PORT=4000\n#${'x'.repeat(70_000)}\n`), 'it is longer than 65536 bytes'],
  ])('is refused when .env is %s', (_what, make, why) => {
    make();
    expect(() => loadConfiguration({})).toThrow(
      `.env: expected a file with a line NAME=value for each variable; ${why}`,
    );
  });

  it.each([
    ['PORT=4000\nPROFILE distributed\n', 2],
    ['PROFILE: distributed', 1],
    ['\n\n2PORT=1', 3],
    ['ADMIN_TOKEN="several\nlines"\nMIGRATE_ON_START', 3],
  ])('is refused with the line of .env that sets nothing: %j', (content, line) => {
    write(content);
    expect(() => loadConfiguration({})).toThrow(`.env: expected NAME=value or a comment in line ${line}`);
  });

  it('reads values of several lines and quotes as Node does', () => {
    write('A="x\nno assignment\n"\nB=it\'s\nC=`a "b"`\nPORT=4000\n');
    expect(loadConfiguration({}).config.port).toBe(4000);
  });
});
