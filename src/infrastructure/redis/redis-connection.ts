import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { StartupError } from '../../config/startup-error.js';
import { GateUnavailableError } from '../../gate/issuance-gate.js';
import { GATE_TIMEOUT_MS } from '../../events/deadlines.js';
import { withDeadline } from '../../events/with-deadline.js';
import { parseServerInfo, type ServerInfo, unfitness } from './server-info.js';

/** What a rebuild sends is larger, and nobody waits for it, ms. */
const BULK_TIMEOUT_MS = 10_000;
/** How long a look at a server may take that a rebuild is to begin on, ms. */
const LOOK_MS = 2_000;
/** A server that answers strangely is looked at again this often, ms. */
const LOOK_AGAIN_MS = 1_000;
/** How long a start waits for a server that is there, ms; one that is not is joined later. */
const FIRST_CONNECTION_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 500;

/**
 * Nothing may be sent that nobody waits for any more: no queue while the connection is away, nothing sent again after it
 * was lost. A claim that ioredis replays would be a second one.
 */
const OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  // A server that is frozen does not say goodbye, ms.
  disconnectTimeout: 100,
  connectTimeout: 1_000,
  // A bulk connection may be silent for weeks; a firewall that forgets it in between does not say so, ms.
  keepAlive: 10_000,
  // Ours, below: its failure closes the connection instead of leaving it half open.
  enableReadyCheck: true,
  retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
  reconnectOnError: (error) => /^(?:READONLY|MASTERDOWN)\b/.test(error.message),
};

/**
 * The connections of one process to the gate's Redis: one for the calls that answer somebody, one for the bulk of a
 * rebuild. A server is used only after it was looked at, on every new connection: behind a name there may be another one
 * than before.
 */
export class RedisConnection implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  private readonly bulkClient: Redis;
  private readonly listeners: (() => void)[] = [];
  /** Of the server behind the calls' connection; null until it was looked at and found fit. */
  private fit: ServerInfo | null = null;
  private lastSaid = '';
  /** Why the server behind the newest connection must not be used; null while there is none, and when it may. */
  private looked: Promise<string | null> = Promise.resolve(null);
  private lookedAgainAt = -LOOK_AGAIN_MS;

  constructor(url: string) {
    this.client = new Redis(url, { ...OPTIONS, commandTimeout: GATE_TIMEOUT_MS, enableAutoPipelining: true });
    this.bulkClient = new Redis(url, { ...OPTIONS, commandTimeout: BULK_TIMEOUT_MS });
    for (const client of [this.client, this.bulkClient]) {
      // Without a listener ioredis prints every failed attempt.
      client.on('error', (error: Error) => this.say('warn', `Redis is away: ${error.message || 'no connection'}`));
    }
    this.client.on('close', () => (this.fit = null));
    this.client.on('ready', () => (this.looked = this.lookAtServer()));
  }

  /**
   * Does not wait for a server that is away: the process answers 503 until it comes.
   * @throws StartupError when a server is there and must not be used.
   */
  async onModuleInit(): Promise<void> {
    const connecting = [this.client.connect(), this.bulkClient.connect()].map((attempt) =>
      attempt.catch(() => undefined),
    );
    await withDeadline(Promise.all(connecting), FIRST_CONNECTION_MS).catch(() => undefined);
    const reason = await this.looked;
    if (reason !== null) {
      this.disconnect();
      throw new StartupError(`REDIS_URL: ${reason}`);
    }
  }

  onApplicationShutdown(): void {
    this.disconnect();
  }

  /** Called on every new connection to a server that was found fit. */
  onConnected(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** For calls that somebody waits for. @throws GateUnavailableError while there is no server that may be used. */
  get calls(): Redis {
    if (this.fit === null || this.client.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.client;
  }

  /** For a rebuild. @throws GateUnavailableError as above. */
  get bulk(): Redis {
    if (this.fit === null || this.bulkClient.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.bulkClient;
  }

  /**
   * An answer did not come in time, or came to the wrong question: the connection is given up and made anew. Everything
   * that is under way on it is unknown.
   */
  distrustCalls(): void {
    // The client goes on calling itself ready until the socket is closed.
    if (this.fit === null) return;
    this.fit = null;
    this.client.disconnect(true);
  }

  /** As {@link distrustCalls}, for the connection of a rebuild. */
  distrustBulk(): void {
    if (this.bulkClient.status === 'ready') this.bulkClient.disconnect(true);
  }

  /**
   * A fence may say that another server is behind the address by now, while this connection still leads to the old one:
   * Redis keeps its clients when it becomes a replica. Then the connection is given up, and made anew by the address.
   */
  lookAgain(): void {
    const now = performance.now();
    if (this.fit === null || now - this.lookedAgainAt < LOOK_AGAIN_MS) return;
    this.lookedAgainAt = now;
    this.infoOf(this.client).then(
      (info) => {
        const reason = unfitness(info);
        if (reason === null) return;
        this.say('error', reason);
        this.distrustCalls();
      },
      () => this.distrustCalls(),
    );
  }

  /** The server behind the bulk connection, seen to be one that may be written to. */
  async bulkServer(): Promise<ServerInfo> {
    const { bulk } = this;
    try {
      const info = await withDeadline(this.infoOf(bulk), LOOK_MS);
      const reason = unfitness(info);
      if (info === null || reason !== null) throw new GateUnavailableError(reason ?? 'Redis did not answer INFO');
      return info;
    } catch (error) {
      // The next attempt asks whoever is behind the address then.
      this.distrustBulk();
      throw error;
    }
  }

  private async lookAtServer(): Promise<string | null> {
    try {
      const info = await this.infoOf(this.client);
      const reason = unfitness(info);
      if (reason !== null) {
        this.say('error', reason);
        // Tried again: a replica may be promoted, a setting mended.
        this.client.disconnect(true);
        return reason;
      }
      this.fit = info;
      this.say('log', `connected to Redis ${info?.version ?? ''}`);
      for (const listener of this.listeners) listener();
      return null;
    } catch (error) {
      this.say('warn', `Redis is away: ${(error as Error).message}`);
      this.client.disconnect(true);
      return unfitness(null);
    }
  }

  private async infoOf(client: Redis): Promise<ServerInfo | null> {
    return parseServerInfo(await client.info());
  }

  private disconnect(): void {
    this.client.disconnect();
    this.bulkClient.disconnect();
  }

  /** Once, not with every attempt. */
  private say(level: 'log' | 'warn' | 'error', text: string): void {
    if (text === this.lastSaid) return;
    this.lastSaid = text;
    this.logger[level](text);
  }
}
