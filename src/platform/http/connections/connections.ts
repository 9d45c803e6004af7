import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { type HttpConfig } from '../../config/config-parts.js';
import { refuse } from '../problem/refuse.js';
import { Connection, type Excess } from './connection.js';
import { descriptorLimit, FOR_OPERATORS, mostConnections } from './descriptor-limit.js';
import { networkOf } from './network-of.js';
import { Turns } from './turns.js';

/**
 * Why the service closed a connection, or answered 503 and closed it.
 *
 * | reason  |                                                                              |
 * | ------- | ---------------------------------------------------------------------------- |
 * | idle    | it was idle, and a new connection took its place                             |
 * | full    | the process had its maximum of connections, and none of them was idle        |
 * | address | its address had its maximum of connections                                   |
 * | unread  | its caller took no byte of an answer for too long                            |
 * | memory  | unsent answers took too much memory together; this one had waited longest    |
 * | accept  | the operating system refused a new connection, and this idle one made room   |
 */
export const SHED_REASONS = ['idle', 'full', 'address', 'unread', 'memory', 'accept'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

/** In ms. */
export interface ConnectionTimes {
  /** How long a caller may leave an answer without taking a byte of it. */
  readonly write: number;
  /** How often connections are checked, and so how late the limit above may be noticed. */
  readonly checkInterval: number;
}

/**
 * How many connections may be open above a limit. One request is read on each: health is answered, and other callers
 * learn why they are refused.
 */
const SPARE = 64;
/** The paths that are answered on those: operators need them most while there are too many callers. */
const ANSWERED_ON_SPARE = /^\/(?:health\/|metrics(?:[/?]|$))/;
/** Bytes of answers that callers have not taken, of all connections together. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
/** How many connections a search for an idle one checks at most. */
const MAX_SEARCH = 64;
const LOG_INTERVAL_MS = 60_000;

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Limits how many callers may be connected, and how long a caller may leave an answer untaken.
 *
 * A new connection above the limit takes the place of an idle one. If none is idle, the new one is spare: its first
 * request is answered if it asks for health or metrics, and refused with 503 otherwise; then the connection is closed.
 * When too many are spare, the oldest spare one is closed without an answer. So callers can never use up the file
 * descriptors of the process. Without free descriptors, the operating system would reset every new connection, also
 * those of health checks, and the process could not log it.
 */
export class Connections {
  /** Connections that may be open, without the spare ones. */
  readonly most: number;
  private readonly shed = new Map<ShedReason, number>(SHED_REASONS.map((reason) => [reason, 0]));
  private readonly turns: Turns;
  private readonly mostOfAddress: number;
  private readonly mostSpare: number;
  private readonly open = new Map<Socket, Connection>();
  /** Those among which an idle one is looked for: streams are never idle, and ten thousand of them lie side by side. */
  private readonly searched = new Set<Connection>();
  private readonly spare = new Set<Connection>();
  /** The spare connections whose one request is being answered. */
  private readonly served = new Set<Connection>();
  private readonly ofAddress = new Map<string, number>();
  private readonly logger = new Logger('Connections');
  /** Where the next search for an idle connection goes on, so that each is checked once before any is checked twice. */
  private hand = this.searched.values();
  private logged = new Map(this.shed);
  private loggedAt = -Infinity;
  private lastRefusal: string | undefined;

  private readonly keepAliveMs: number;

  /**
   * @param limits as configured.
   * @param descriptors file descriptors that the process may have open.
   * @param mostUnsent how many bytes of answers callers may leave untaken, of all connections together.
   */
  constructor(
    { maxConnections, maxConnectionsPerAddress, maxInflightPerConnection, keepAliveMs }: HttpConfig,
    descriptors = descriptorLimit(),
    private readonly mostUnsent = MAX_UNSENT_BYTES,
  ) {
    this.keepAliveMs = keepAliveMs;
    this.most = mostConnections(maxConnections, descriptors);
    // Three quarters of the remaining descriptors are for files and for connections to other servers.
    this.mostSpare =
      descriptors === undefined ? SPARE : Math.max(1, Math.min(SPARE, Math.floor((descriptors - this.most) / 4)));
    this.mostOfAddress = maxConnectionsPerAddress;
    this.turns = new Turns(maxInflightPerConnection);
    if (maxConnections !== undefined && this.most < maxConnections) {
      this.logger.warn(
        `MAX_CONNECTIONS is lowered from ${maxConnections} to ${this.most}: the limit of file descriptors is ${descriptors} (ulimit -n)`,
      );
    }
  }

  /** Of a port that only operators reach: callers who use up every other connection do not keep them out. */
  static forOperators(http: HttpConfig): Connections {
    return new Connections({ ...http, maxConnections: FOR_OPERATORS, maxConnectionsPerAddress: 0 }, Infinity);
  }

  /** Connections that are open, the spare ones included. */
  get size(): number {
    return this.open.size;
  }

  /** How many connections were closed for this reason since the start. */
  shedFor(reason: ShedReason): number {
    return this.shed.get(reason) ?? 0;
  }

  /** Makes an HTTP server whose connections are limited. */
  createServer({ checkInterval, write }: ConnectionTimes, serve: Serve, options: ServerOptions): Server {
    const all = { ...options, keepAliveTimeout: this.keepAliveMs, connectionsCheckingInterval: checkInterval };
    const server = createServer(all, (request, response) => {
      const connection = this.open.get(request.socket);
      if (connection === undefined) serve(request, response);
      else connection.pipeline.add(request, response);
    });
    server.on('connection', (socket) => this.connected(socket, serve));
    // Node's own function keeps connections that have sent nothing yet, and cuts off callers who are still taking an
    // answer.
    server.closeIdleConnections = () => {
      for (const { socket, isIdle } of this.open.values()) if (isIdle && socket.writableLength === 0) socket.destroy();
    };
    server.once('listening', () => {
      // Without a listener an error would end the process.
      server.on('error', (error) => this.refusedBySystem(error));
      const checks = setInterval(() => this.checkAll(write), checkInterval);
      checks.unref();
      server.once('close', () => clearInterval(checks));
    });
    return server;
  }

  private connected(socket: Socket, serve: Serve): void {
    const address = this.mostOfAddress === 0 ? undefined : networkOf(socket.remoteAddress ?? '');
    const excess = this.excessOf(address);
    const connection: Connection = new Connection(
      socket,
      this.turns,
      excess === undefined ? serve : (request, response) => this.serveSpare(connection, serve, request, response),
      address,
      excess,
    );
    this.open.set(socket, connection);
    this.searched.add(connection);
    if (address !== undefined) this.ofAddress.set(address, (this.ofAddress.get(address) ?? 0) + 1);
    socket.once('close', () => this.closed(connection));
    if (excess !== undefined) this.addSpare(connection, excess);
  }

  private closed(connection: Connection): void {
    const { socket, address } = connection;
    if (!this.open.delete(socket)) return;
    this.searched.delete(connection);
    this.spare.delete(connection);
    this.served.delete(connection);
    if (address === undefined) return;
    const left = (this.ofAddress.get(address) ?? 1) - 1;
    if (left > 0) this.ofAddress.set(address, left);
    else this.ofAddress.delete(address);
  }

  /** The limit that a new connection is above, if no idle one can be closed for it. */
  private excessOf(address: string | undefined): Excess | undefined {
    if (address !== undefined && (this.ofAddress.get(address) ?? 0) >= this.mostOfAddress) return 'address';
    return this.open.size - this.spare.size < this.most || this.closeIdle('idle') ? undefined : 'full';
  }

  private closeIdle(reason: ShedReason): boolean {
    for (let checks = Math.min(MAX_SEARCH, this.searched.size); checks > 0;) {
      let next = this.hand.next();
      if (next.done === true) {
        this.hand = this.searched.values();
        next = this.hand.next();
      }
      if (next.done === true) return false;
      const connection = next.value;
      if (connection.pipeline.isStream) {
        this.searched.delete(connection);
        continue;
      }
      checks -= 1;
      if (connection.isIdle && connection.excess === undefined) {
        this.close(connection, reason);
        return true;
      }
    }
    return false;
  }

  private addSpare(connection: Connection, excess: Excess): void {
    this.spare.add(connection);
    if (this.spare.size <= this.mostSpare) return;
    for (const oldest of this.spare) {
      if (this.served.has(oldest)) continue;
      // If all others are being answered, this is the new one itself.
      this.close(oldest, excess);
      return;
    }
  }

  /** Answers the first request only: the connection closes after that answer. */
  private serveSpare(connection: Connection, serve: Serve, request: IncomingMessage, response: ServerResponse): void {
    if (this.served.has(connection)) return;
    this.served.add(connection);
    if (ANSWERED_ON_SPARE.test(request.url ?? '')) {
      response.setHeader('connection', 'close');
      serve(request, response);
    } else {
      this.count(connection.excess ?? 'full');
      refuse(request, response, 'too-many-connections');
    }
  }

  /** The operating system refused a connection. Most likely the process has no descriptor left. */
  private refusedBySystem(error: Error): void {
    if (!this.closeIdle('accept')) this.count('accept');
    this.lastRefusal = error.message;
  }

  private close(connection: Connection, reason: ShedReason): void {
    this.count(reason);
    connection.socket.destroy();
    // The socket's 'close' event comes later, but its place is free now.
    this.closed(connection);
  }

  private count(reason: ShedReason): void {
    this.shed.set(reason, this.shedFor(reason) + 1);
  }

  private checkAll(writeTimeout: number): void {
    const now = performance.now();
    const slow: Connection[] = [];
    let unsent = 0;
    for (const connection of this.open.values()) {
      connection.check(now);
      const since = connection.notTakenSince;
      if (since === undefined) continue;
      if (now - since >= writeTimeout) {
        this.close(connection, 'unread');
      } else {
        slow.push(connection);
        unsent += connection.pipeline.unsent;
      }
    }
    if (unsent > this.mostUnsent) this.closeSlowest(slow, unsent);
    this.logShed(now);
  }

  private closeSlowest(slow: Connection[], unsent: number): void {
    let left = unsent;
    for (const connection of slow.sort((a, b) => (a.notTakenSince ?? 0) - (b.notTakenSince ?? 0))) {
      if (left <= this.mostUnsent) return;
      left -= connection.pipeline.unsent;
      this.close(connection, 'memory');
    }
  }

  /**
   * Logs the counts in one line, at most once a minute. With a line for each connection, an attack would fill the log.
   */
  private logShed(now: number): void {
    if (now - this.loggedAt < LOG_INTERVAL_MS) return;
    const counts = SHED_REASONS.map(
      (reason) => [reason, this.shedFor(reason) - (this.logged.get(reason) ?? 0)] as const,
    );
    const some = counts.filter(([, count]) => count > 0);
    if (some.length === 0) return;
    this.loggedAt = now;
    this.logged = new Map(this.shed);
    const total = some.reduce((sum, [, count]) => sum + count, 0);
    const of = some.map(([reason, count]) => `${reason} ${count}`).join(', ');
    const refusal = this.lastRefusal === undefined ? '' : `; accepting failed: ${this.lastRefusal}`;
    this.lastRefusal = undefined;
    this.logger.warn(`closed ${total} connections (${of}); ${this.size} are open, ${this.most} may be${refusal}`);
  }
}
