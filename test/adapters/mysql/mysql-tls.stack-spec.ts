import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MysqlPool } from '../../../src/infrastructure/mysql/mysql-pool.js';
import { MYSQL_DEFAULTS } from '../../../src/infrastructure/mysql/mysql-settings.js';
import { MariadbServer } from '../../../stack/mariadb-server.js';

/** Makes a certificate for these names, and the authority that signed it. */
function certify(directory: string, subjectAltName: string): { ca: string; args: string[] } {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '1'];
  openssl('req', '-x509', ...key, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=test authority');
  openssl('req', ...key.slice(0, 3), '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=database');
  writeFileSync(join(directory, 'names'), `subjectAltName=${subjectAltName}\n`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '1', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'request.pem', '-out', 'cert.pem', ...signed);
  const path = (file: string) => join(directory, file);
  return {
    ca: readFileSync(path('ca.pem'), 'utf8'),
    args: [`--ssl-cert=${path('cert.pem')}`, `--ssl-key=${path('key.pem')}`, `--ssl-ca=${path('ca.pem')}`],
  };
}

describe('DATABASE_SSL', () => {
  let server: MariadbServer;
  let ca: string;

  const cipher = async (host: string, changes: { ssl?: boolean; ca?: string }) => {
    const url = server.url.replace('127.0.0.1', host);
    const pool = await MysqlPool.connect({ ...MYSQL_DEFAULTS, url, ssl: true, ...changes }, 1);
    try {
      const [row] = (await pool.exclusive((runner) => runner.query("SHOW STATUS LIKE 'Ssl_cipher'"))) as {
        Value: string;
      }[];
      return row?.Value;
    } finally {
      await pool.close();
    }
  };
  const restartWith = async (names: string | null) => {
    await server.stop();
    if (names === null) {
      server.configure([]);
    } else {
      const certificate = certify(mkdtempSync(join(tmpdir(), 'coupon-tls-')), names);
      ca = certificate.ca;
      server.configure(certificate.args);
    }
    await server.start();
  };

  beforeAll(async () => {
    server = await MariadbServer.start();
  });
  afterAll(() => server.kill());

  it('accepts a server whose certificate is trusted and names the host of the URL', async () => {
    await restartWith('DNS:localhost');
    expect(await cipher('localhost', { ca })).toMatch(/./);
    expect(await cipher('localhost', { ssl: false })).toBe('');
  });

  it('refuses a server whose certificate no authority signed', async () => {
    await expect(cipher('localhost', {})).rejects.toMatchObject({ name: 'DatabaseError', kind: 'infrastructure' });
  });

  it('refuses a server whose certificate names another host', async () => {
    await restartWith('DNS:elsewhere.example');
    await expect(cipher('localhost', { ca })).rejects.toMatchObject({ name: 'DatabaseError', kind: 'infrastructure' });
  });

  it('refuses a server that cannot encrypt', async () => {
    await restartWith(null);
    await expect(cipher('localhost', {})).rejects.toMatchObject({ kind: 'infrastructure' });
  });
});
