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

/** For the commands of a rebuild, ms. They are larger, and no caller waits for them. */
const BULK_TIMEOUT_MS = 10_000;
/**
 * How long the builder may take to check the server of a rebuild, ms. This includes connections that are being made.
 */
const CHECK_MS = 2_000;
/** While the gate is fenced, the process connects again this often at most, ms. */
const RECONNECT_MS = 1_000;
/** How long a start waits for the server, ms. The process joins a server that is away later. */
const FIRST_CONNECTION_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 500;

/**
 * ioredis must not send what no caller waits for: it keeps no queue while the connection is away, and sends nothing
 * again after a loss. A claim that it sends again would be a second claim.
 */
const OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  // How long to wait for the goodbye of a server, which may be frozen, ms.
  disconnectTimeout: 100,
  connectTimeout: 1_000,
  // A bulk connection may be silent for weeks, and a firewall may forget it without a sign, ms.
  keepAlive: 10_000,
  // A failed ready check closes the connection instead of leaving it half open.
  enableReadyCheck: true,
  retryStrategy: (attempt) => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS),
  reconnectOnError: (error) => /^(?:READONLY|MASTERDOWN)\b/.test(error.message),
};

/**
 * The connections of one process to the gate's Redis: one for calls that a caller waits for, one for the bulk of a
 * rebuild. The process checks the server on every new connection before it uses it: the same name may lead to another
 * server than before.
 */
export class RedisConnection implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly client: Redis;
  private readonly bulkClient: Redis;
  /** `connected`: the calls' connection leads to a server that passed the check. */
  private readonly events = new EventEmitter<{ connected: [] }>();
  /** The server behind the calls' connection; null until it has passed the check. */
  private usableServer: ServerInfo | null = null;
  private lastLogged = '';
  /** Warnings that were logged: once in the life of the process, not with every connection. */
  private readonly warned = new Set<string>();
  /**
   * Why the server behind the newest connection must not be used; null when it may be used, and while that is not
   * known.
   */
  private verdict: Promise<string | null> = Promise.resolve(null);
  private reconnectedAt = -RECONNECT_MS;
  /** Until then an unusable server ends the start, with the reason. */
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

  /** Calls the listener on every new connection to a server that passed the check. */
  onConnected(listener: () => void): void {
    this.events.on('connected', listener);
  }

  /** The connection for calls that a caller waits for. @throws GateUnavailableError while there is no usable server. */
  get calls(): Redis {
    if (this.usableServer === null || this.client.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.client;
  }

  /**
   * The connection of a rebuild, which calls {@link bulkServer} first.
   * @throws GateUnavailableError only while this connection is down. It does not matter when the calls connect again,
   * as they do after the fence that causes the rebuild.
   */
  get bulk(): Redis {
    if (this.bulkClient.status !== 'ready') throw new GateUnavailableError('Redis is away');
    return this.bulkClient;
  }

  /**
   * Ends the connection and connects again, after an answer was late or belonged to another question. The outcome of
   * every call that is under way on it is unknown.
   */
  dropCalls(): void {
    // The client's status stays `ready` until the socket is closed.
    if (this.usableServer === null) return;
    this.usableServer = null;
    this.client.disconnect(true);
  }

  /** As {@link dropCalls}, for the connection of a rebuild. */
  dropBulk(): void {
    if (this.bulkClient.status === 'ready') this.bulkClient.disconnect(true);
  }

  /**
   * Connects again by the address after a fence, at most once a second. The address may lead to another server by now,
   * while this connection still leads to the old one: Redis keeps its clients when it becomes a replica, and an
   * operator may move an address without stopping the old server. The old server cannot tell, and may still be a
   * master. Calls that are under way get their answers first: only the fenced epoch is known to be lost.
   */
  reconnectSoon(): void {
    const now = performance.now();
    if (this.usableServer === null || now - this.reconnectedAt < RECONNECT_MS) return;
    this.reconnectedAt = now;
    this.usableServer = null;
    const giveUp = () => {
      // Otherwise the connection was lost already, and the client connects again by itself.
      if (this.client.status === 'ready') this.client.disconnect(true);
    };
    // Redis answers in order, so this answer comes after those of the calls under way.
    this.client.ping().then(giveUp, giveUp);
  }

  /**
   * The server behind the bulk connection, after a check: it may be written to, and the calls reach the same server. An
   * epoch that is opened on another one would be fenced at its first call. Waits for connections that are being made.
   * @throws GateUnavailableError and what the client rejects with. The next attempt asks the server that the address
   * leads to then.
   */
  async bulkServer(): Promise<ServerInfo> {
    const signal = AbortSignal.timeout(CHECK_MS);
    try {
      if (this.bulkClient.status !== 'ready') await once(this.bulkClient, 'ready', { signal });
      const info = await withDeadline(this.infoOf(this.bulkClient), CHECK_MS, systemTimers);
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

  /** {@link bulkServer} on a new connection: the old one may lead to the server that had the address before. */
  async newBulkServer(): Promise<ServerInfo> {
    if (this.bulkClient.status === 'ready') {
      const closed = once(this.bulkClient, 'close', { signal: AbortSignal.timeout(CHECK_MS) });
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
      // INFO itself is forbidden, and will stay so.
      if (message.startsWith('NOPERM')) return this.refuse(`its user may not do what the gate needs: ${message}`);
      this.logOnce('warn', `Redis is away: ${message}`);
      this.client.disconnect(true);
      return null;
    }
  }

  private refuse(reason: string): string {
    if (this.started) this.logOnce('error', `REDIS_URL: ${reason}`);
    // The client connects again: the replica may be promoted, the setting corrected.
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

  /** Logs a text once, not with every attempt. */
  private logOnce(level: 'log' | 'warn' | 'error', text: string): void {
    if (text === this.lastLogged) return;
    this.lastLogged = text;
    this.logger[level](text);
  }
}
