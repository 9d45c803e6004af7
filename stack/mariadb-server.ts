import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { type Command, freePort, ServerProcess } from './server-process.js';

const run = promisify(execFile);

/** The administrator of the test databases, which listen on 127.0.0.1 only and end with their test. */
const USER = 'coupon';
const PASSWORD = 'coupon';
/** A user with only the rights that the service needs. Unlike an administrator, it cannot write under read_only. */
const SERVICE = 'service';

/** A MariaDB that waits for the disk at every commit, as in production. */
export class MariadbServer extends ServerProcess {
  private constructor(
    directory: string,
    port: number,
    private args: readonly string[],
  ) {
    super(directory, port);
  }

  /** The server on this port and directory, not started. By default, both are new. */
  static async on(options: { port?: number; directory?: string; args?: readonly string[] } = {}) {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'coupon-mariadb-'));
    return new MariadbServer(directory, options.port ?? (await freePort()), options.args ?? []);
  }

  static async start(options: Parameters<typeof MariadbServer.on>[0] = {}): Promise<MariadbServer> {
    return (await MariadbServer.on(options)).start();
  }

  /** The address for the administrator, who may do everything. */
  get url(): string {
    return this.urlOf(USER);
  }

  /** The address of the same database for a user with only the service's rights. */
  get serviceUrl(): string {
    return this.urlOf(SERVICE);
  }

  private urlOf(user: string): string {
    return `mysql://${user}:${PASSWORD}@127.0.0.1:${this.port}/coupon`;
  }

  /** Sets other arguments for the next start. */
  configure(args: readonly string[]): void {
    this.args = args;
  }

  /** The tables of the service's database as SQL, of one instant. */
  async dump(): Promise<string> {
    const { stdout } = await run('mariadb-dump', [...this.clientArgs, '--single-transaction', 'coupon'], {
      maxBuffer: 2 ** 28,
    });
    return stdout;
  }

  /** Puts the tables back as they were at the dump, while the server runs. */
  async restore(dump: string): Promise<void> {
    const client = run('mariadb', [...this.clientArgs, 'coupon']);
    client.child.stdin?.end(dump);
    await client;
  }

  private get clientArgs(): string[] {
    return ['--no-defaults', '--host=127.0.0.1', `--port=${this.port}`, `--user=${USER}`, `--password=${PASSWORD}`];
  }

  private get dataDirectory(): string {
    return join(this.directory, 'data');
  }

  /** Each server has its own: a server that starts deletes temporary tables that it thinks an earlier one left. */
  private get temporaryDirectory(): string {
    return join(this.directory, 'tmp');
  }

  private get initFile(): string {
    return join(this.directory, 'init.sql');
  }

  protected override async prepare(): Promise<void> {
    mkdirSync(this.temporaryDirectory, { recursive: true });
    if (existsSync(join(this.dataDirectory, 'mysql'))) return;
    mkdirSync(this.dataDirectory, { recursive: true });
    // Run at every start: a server that was killed in its first second may not have its user yet.
    writeFileSync(
      this.initFile,
      [
        `CREATE USER IF NOT EXISTS '${USER}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';`,
        `GRANT ALL ON *.* TO '${USER}'@'127.0.0.1' WITH GRANT OPTION;`,
        'CREATE DATABASE IF NOT EXISTS coupon;',
        `CREATE USER IF NOT EXISTS '${SERVICE}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';`,
        `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON coupon.* TO '${SERVICE}'@'127.0.0.1';`,
        '',
      ].join('\n'),
    );
    await run('mariadb-install-db', [
      '--no-defaults',
      `--datadir=${this.dataDirectory}`,
      `--tmpdir=${this.temporaryDirectory}`,
      `--user=${userInfo().username}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      // The first start decides how the files are laid out.
      ...this.args,
    ]);
  }

  protected command(): Command {
    return {
      program: 'mariadbd',
      args: [
        '--no-defaults',
        `--user=${userInfo().username}`,
        `--datadir=${this.dataDirectory}`,
        `--tmpdir=${this.temporaryDirectory}`,
        // A socket's path may have at most 107 characters. A test's directory alone can be longer.
        `--socket=${join(tmpdir(), `coupon-mariadb-${this.port}.sock`)}`,
        `--pid-file=${join(this.directory, 'mariadbd.pid')}`,
        `--init-file=${this.initFile}`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--skip-name-resolve',
        '--innodb-flush-log-at-trx-commit=1',
        '--innodb-buffer-pool-size=256M',
        ...this.args,
      ],
    };
  }

  protected async serves(): Promise<boolean> {
    const connection = await createConnection({ uri: this.url, connectTimeout: 1_000 });
    await connection.query('SELECT 1');
    await connection.end();
    return true;
  }
}
