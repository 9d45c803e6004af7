import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { type RebuildStep } from '../../src/modules/recovery/rebuild-probe.js';
import { NativeStack, type StackSettings } from '../../stack/native-stack.js';
import { freePort } from '../../stack/server-process.js';
import { Client } from './client.js';
import { eventually } from './eventually.js';
import { ServiceProcess } from './service-process.js';
import { ADMIN_TOKEN } from './service.js';
import { GROUP, TOPIC } from './topic.js';
import { withRedis } from './with-redis.js';

/**
 * After this many ms without an answer a process is asked again: a frozen process accepts the request and does not
 * answer.
 */
const PROBE_MS = 2_000;

/** The roles of one process of the service. */
export type Duty = 'api' | 'worker' | 'retry';

/** The points at which a process may end itself; see test/children/service-with-failpoint.mjs. */
export type Failpoint =
  | `${'kill' | 'stop' | 'stand'}-${'before-publish' | 'after-publish' | 'before-offset' | 'before-removal' | 'holding-campaign' | RebuildStep}`
  | 'crash-consumer';

/** The command with which the image starts the service, without `node` itself. */
export const IMAGE_COMMAND: readonly string[] = commandOf(readFileSync('Dockerfile', 'utf8'));

const ROLES: Record<Duty, string> = { api: 'api', worker: 'consumer,retry', retry: 'retry' };

/** One process of the service and its address. */
export interface Member {
  readonly duty: Duty;
  readonly process: ServiceProcess;
  readonly url: string;
}

/**
 * A whole installation: servers for this test only, so that it may kill them, and processes of the built service.
 */
export class Cluster {
  readonly members: Member[] = [];
  private readonly failing = new Set<Member>();

  private constructor(
    /** Null for a deployment whose servers belong to another one. */
    private readonly root: string | null,
    readonly servers: NativeStack,
    private readonly env: Readonly<Record<string, string>>,
    /** The name of its database. */
    private readonly schema = 'coupon',
  ) {}

  /** Starts the servers, then the processes, and waits until everything is ready. */
  static async start(
    counts: { apis: number; workers: number },
    env: Readonly<Record<string, string>> = {},
    settings: StackSettings = {},
  ): Promise<Cluster> {
    const root = mkdtempSync(join(tmpdir(), 'coupon-cluster-'));
    return new Cluster(root, await NativeStack.start(root, {}, settings), env).begin(counts);
  }

  /**
   * A second deployment on the same servers. It has a database, a topic and a group of its own, and shares Redis. Stop it
   * first: its end leaves the servers alone.
   */
  async beside(counts: { apis: number; workers: number }): Promise<Cluster> {
    const schema = `${this.schema}_2`;
    await this.rows(`CREATE DATABASE IF NOT EXISTS ${schema}`);
    await this.rows(`GRANT ALL ON ${schema}.* TO 'service'@'127.0.0.1'`);
    const env = {
      ...this.env,
      DATABASE_URL: inSchema(this.servers.mariadb.serviceUrl, schema),
      KAFKA_TOPIC: `${TOPIC}_2`,
      KAFKA_GROUP_ID: `${GROUP}-2`,
    };
    return new Cluster(null, this.servers, env, schema).begin(counts);
  }

  private async begin(counts: { apis: number; workers: number }): Promise<this> {
    try {
      await Promise.all([
        ...Array.from({ length: counts.apis }, () => this.add('api')),
        ...Array.from({ length: counts.workers }, () => this.add('worker')),
      ]);
      await this.ready();
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this;
  }

  /** The variables with which a process finds the servers. */
  get environment(): Record<string, string> {
    const { redis, kafka, mariadb } = this.servers;
    return {
      PROFILE: 'distributed',
      IDENTITY: 'open',
      REDIS_URL: redis.url,
      KAFKA_BROKERS: kafka.brokers,
      DATABASE_URL: mariadb.serviceUrl,
      ADMIN_TOKEN,
      LOG_LEVEL: 'info',
      ...this.env,
    };
  }

  /** Starts one more process and does not wait for it. `env` may have its PORT. `args` as in {@link ServiceProcess.spawn}. */
  async add(
    duty: Duty,
    env: Readonly<Record<string, string>> = {},
    args: readonly string[] = IMAGE_COMMAND,
  ): Promise<Member> {
    const port = Number(env['PORT'] ?? (await freePort()));
    const variables = { ...this.environment, ROLES: ROLES[duty], PORT: String(port), ...env };
    const process = ServiceProcess.spawn(variables, args);
    const member = { duty, process, url: `http://127.0.0.1:${port}` };
    this.members.push(member);
    return member;
  }

  /** Starts a process that kills or freezes itself when it passes a point for the `count`th time; see the script. */
  async addFailing(duty: Duty, point: Failpoint, count: number): Promise<Member> {
    const script = resolve('test/children/service-with-failpoint.mjs');
    const member = await this.add(duty, {}, [script, point, String(count)]);
    this.failing.add(member);
    return member;
  }

  /** Restores the state of the start: these numbers of processes, none with a failpoint, and everything is ready. */
  async fill(counts: { apis: number; workers: number }): Promise<void> {
    for (const member of this.failing) await this.end(member, 'SIGKILL');
    this.failing.clear();
    while (this.apis().length < counts.apis) await this.add('api');
    while (this.workers().length < counts.workers) await this.add('worker');
    await this.ready();
  }

  /** Ends a process with the signal. It is no longer a member. */
  async end(member: Member, signal: NodeJS.Signals): Promise<number | null> {
    const at = this.members.indexOf(member);
    if (at >= 0) this.members.splice(at, 1);
    return member.process.end(signal);
  }

  apis(): Member[] {
    return this.members.filter(({ duty }) => duty === 'api');
  }

  workers(): Member[] {
    return this.members.filter(({ duty }) => duty === 'worker');
  }

  /** A client that calls all current apis in turn. */
  client(): Client {
    return new Client(...this.apis().map(({ url }) => url));
  }

  /** Waits until every process is ready. */
  async ready(patienceMs = 60_000): Promise<void> {
    await Promise.all(
      this.members.map(({ url, process }) =>
        eventually(async () => {
          // The output of the process shows why it does not answer.
          const signal = AbortSignal.timeout(PROBE_MS);
          const report = await fetch(`${url}/health/ready`, { signal }).then((answer) => answer.text(), String);
          const status = report.startsWith('{') ? (JSON.parse(report) as { status: string }).status : 'silent';
          if (status !== 'ok') throw new Error(`${report}\n${process.text.slice(-2_000)}`);
        }, patienceMs),
      ),
    );
  }

  /** Asks the database directly, not through the service. */
  async rows(sql: string, parameters: (string | number)[] = []): Promise<RowDataPacket[]> {
    const connection = await createConnection({ uri: inSchema(this.servers.mariadb.url, this.schema) });
    try {
      return (await connection.query<RowDataPacket[]>(sql, parameters))[0];
    } finally {
      await connection.end();
    }
  }

  /** The epoch of the gate row, whether the gate is open or being rebuilt. */
  async epoch(): Promise<number> {
    return Number((await this.rows('SELECT epoch FROM gate'))[0]?.['epoch']);
  }

  /** Asks the gate's Redis directly, not through the service. */
  redis<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    return withRedis(this.servers.redis.url, work);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.splice(0).map(({ process }) => process.end('SIGKILL')));
    if (this.root === null) return;
    await this.servers.stop();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The address of another database of the server. */
function inSchema(address: string, schema: string): string {
  return Object.assign(new URL(address), { pathname: `/${schema}` }).href;
}

function commandOf(dockerfile: string): string[] {
  const command = /^CMD (\[.*\])$/m.exec(dockerfile)?.[1];
  if (command === undefined) throw new Error('the Dockerfile has no CMD');
  // The processes have a different working directory from the image, so paths are made absolute.
  return (JSON.parse(command) as string[]).slice(1).map((part) => (part.endsWith('.js') ? resolve(part) : part));
}
