import { EventEmitter, once } from 'node:events';
import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { GATE_TIMEOUT_MS } from '../../domain/deadlines.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { whyForbidden, whyNoDatabase } from './redis-access.js';
import { isOneServer, parseServerInfo, type ServerInfo, warningsOf, whyUnusable } from './server-info.js';

/** What a rebuild sends is larger, and nobody waits for it, ms. */
const BULK_TIMEOUT_MS = 10_000;
/** How long a look at a server may take that a rebuild is to begin on, ms; connections that are just made anew included. */
const LOOK_MS = 2_000;
/** While a gate is fenced, its address is asked again this often, ms. */
const RECONNECT_MS = 1_000;
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
  /** `connected`: the calls' connection leads to a server that was found fit. */
  private readonly events = new EventEmitter<{ connected: [] }>();
  /** Of the server behind the calls' connection; null until it was looked at and found fit. */
  private usableServer: ServerInfo | null = null;
  private lastLogged = '';
  /** Once in the life of the process, not with every connection. */
  private readonly warned = new Set<string>();
  /** Why the server behind the newest connection must not be used; null while that is not known, and when it may. */
  private verdict: Promise<string | null> = Promise.resolve(null);
  private reconnectedAt = -RECONNECT_MS;
  /** Until then a server that must not be used ends the start, which says why. */
  private started = false;

  constructor(url: string) {
    this.client = new Redis(url, { ...OPTIONS, commandTimeout: GATE_TIMEOUT_MS, enableAutoPipelining: true });
    this.bulkClient = new Redis(url, { ...OPTIONS, commandTimeout: BULK_TIMEOUT_MS });
    for (const client of [this.client, this.bulkClient]) {
      // Without a listener ioredis prints every failed attempt.
      client.on('error', (error: Error) => this.logOnce('warn', `Redis is away: ${error.message || 'no connection'}`));
    }
    this.client.on('close', () => (this.usableServer = null));
    this.client.on('ready', () => (this.verdict = this.checkServer()));
  }

  /**
   * Does not wait for a server that is away: the process answers 503 until it comes.
   * @throws StartupError when a server is there and must not be used.
   */
  async onModuleInit(): Promise<void> {
    const connecting = [this.client.connect(), this.bulkClient.connect()].map((attempt) =>
      attempt.catch(() => undefined),
    );
    await withDeadline(Promise.all(connecting), FIRST_CONNECTION_MS, systemTimers).catch(() => undefined);
    const reason = await this.verdict;
    if (reason !== null) {
      this.disconnect();
      throw new StartupError(`REDIS_URL: ${reason}`);
    }
    this.started = true;
  }

  onApplicationShutdown(): void {
    this.disconnect();
  }

  /** Called on every new connection to a server that was found fit. */
  onConnected(listener: () => void): void {
    this.events.on('connected', listener);
  }

  /** For calls that somebody waits for. @throws GateUnavailableError while there is no server that may be used. */
  get calls(): Redis {
    if (this.usableServer === null || this.client.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.client;
  }

  /**
   * For a rebuild, which looks at its server by {@link bulkServer}. @throws GateUnavailableError while there is none; not
   * while only the calls' connection is made anew, as it is by the fence that calls for the rebuild.
   */
  get bulk(): Redis {
    if (this.bulkClient.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.bulkClient;
  }

  /**
   * An answer did not come in time, or came to the wrong question: the connection is given up and made anew. Everything
   * that is under way on it is unknown.
   */
  dropCalls(): void {
    // The client goes on calling itself ready until the socket is closed.
    if (this.usableServer === null) return;
    this.usableServer = null;
    this.client.disconnect(true);
  }

  /** As {@link dropCalls}, for the connection of a rebuild. */
  dropBulk(): void {
    if (this.bulkClient.status === 'ready') this.bulkClient.disconnect(true);
  }

  /**
   * A fence may say that the address leads to another server by now, while this connection still leads to the old one:
   * Redis keeps its clients when it becomes a replica, and whoever moves an address need not stop the server behind it.
   * The old one cannot tell, it may well be a master still. So the connection is given up and made anew by the address,
   * once a second at most. What is under way on it gets its answers first: only the fenced epoch is known to be lost.
   */
  reconnectSoon(): void {
    const now = performance.now();
    if (this.usableServer === null || now - this.reconnectedAt < RECONNECT_MS) return;
    this.reconnectedAt = now;
    this.usableServer = null;
    const giveUp = () => {
      // Otherwise it was lost meanwhile, and the next one is on its way.
      if (this.client.status === 'ready') this.client.disconnect(true);
    };
    // Answers come in the order of the questions: this one's is the last.
    this.client.ping().then(giveUp, giveUp);
  }

  /**
   * The server behind the bulk connection, seen to be one that may be written to, and the one that the calls reach: an
   * epoch that is opened on any other one is fenced at its first call. Waits for connections that are being made.
   * @throws GateUnavailableError and what the client rejects with. The next attempt asks whoever is behind the address then.
   */
  async bulkServer(): Promise<ServerInfo> {
    const signal = AbortSignal.timeout(LOOK_MS);
    try {
      if (this.bulkClient.status !== 'ready') await once(this.bulkClient, 'ready', { signal });
      const info = await withDeadline(this.infoOf(this.bulkClient), LOOK_MS, systemTimers);
      const reason = whyUnusable(info);
      if (reason !== null) throw new GateUnavailableError(reason);
      if (!isOneServer(info, await this.calledServer(signal))) {
        this.dropCalls();
        throw new GateUnavailableError('the connections lead to two Redis servers; both are made anew');
      }
      return info;
    } catch (error) {
      this.dropBulk();
      throw error;
    }
  }

  /** {@link bulkServer} on a new connection: the old one may lead to where the address led some time ago. */
  async newBulkServer(): Promise<ServerInfo> {
    if (this.bulkClient.status === 'ready') {
      const closed = once(this.bulkClient, 'close', { signal: AbortSignal.timeout(LOOK_MS) });
      this.dropBulk();
      await closed;
    }
    return this.bulkServer();
  }

  private async calledServer(signal: AbortSignal): Promise<ServerInfo> {
    while (this.usableServer === null) await once(this.events, 'connected', { signal });
    return this.usableServer;
  }

  private async checkServer(): Promise<string | null> {
    try {
      const info = await this.infoOf(this.client);
      const reason = whyUnusable(info) ?? (await whyNoDatabase(this.client)) ?? (await whyForbidden(this.client));
      if (reason !== null) return this.refuse(reason);
      this.usableServer = info;
      this.logOnce('log', `connected to Redis ${info.version}`);
      this.warn(info);
      this.events.emit('connected');
      return null;
    } catch (error) {
      const { message } = error as Error;
      // INFO itself is forbidden, and will be.
      if (message.startsWith('NOPERM')) return this.refuse(`its user may not do what the gate needs: ${message}`);
      this.logOnce('warn', `Redis is away: ${message}`);
      this.client.disconnect(true);
      return null;
    }
  }

  private refuse(reason: string): string {
    if (this.started) this.logOnce('error', `REDIS_URL: ${reason}`);
    // Tried again: a replica may be promoted, a setting mended.
    this.client.disconnect(true);
    return reason;
  }

  private warn(info: ServerInfo): void {
    for (const warning of warningsOf(info)) {
      if (this.warned.has(warning)) continue;
      this.warned.add(warning);
      this.logger.warn(warning);
    }
  }

  private async infoOf(client: Redis): Promise<ServerInfo> {
    return parseServerInfo(await client.info());
  }

  private disconnect(): void {
    this.client.disconnect();
    this.bulkClient.disconnect();
  }

  /** Once, not with every attempt. */
  private logOnce(level: 'log' | 'warn' | 'error', text: string): void {
    if (text === this.lastLogged) return;
    this.lastLogged = text;
    this.logger[level](text);
  }
}
