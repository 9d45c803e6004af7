import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { type HttpConfig } from '../../config/env.js';
import { refuse } from '../problem/refuse.js';
import { Connection, type Excess } from './connection.js';
import { descriptorLimit, mostConnections } from './descriptor-limit.js';
import { networkOf } from './network-of.js';
import { Turns } from './pipeline.js';

/**
 * Why a connection was closed, or answered 503 and closed.
 *
 * | reason  |                                                                              |
 * | ------- | ---------------------------------------------------------------------------- |
 * | idle    | it had nothing to do, and a new one took its place                           |
 * | full    | as many as may be open were open, and none of them was idle                  |
 * | address | its address had as many as one address may have                              |
 * | unread  | its caller took nothing of an answer for too long                            |
 * | memory  | callers had not taken too much altogether, and this one had waited longest   |
 * | accept  | the operating system refused a new connection, and this idle one made room   |
 */
export const SHED_REASONS = ['idle', 'full', 'address', 'unread', 'memory', 'accept'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];

/** In ms. */
export interface ConnectionTimes {
  /** How long a caller may take nothing of an answer. */
  readonly write: number;
  /** How often connections are looked at, so how late the former can come. */
  readonly checkInterval: number;
}

/** Connections above a limit of which one request is read, so that health is answered and others are told why not. */
const SPARE = 64;
/** What is answered on those: what operators need most while there are too many callers. */
const ANSWERED_ON_SPARE = /^\/(?:health\/|metrics(?:[/?]|$))/;
/** Answers of all connections together that their callers have not taken, bytes. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
/** Connections that are looked at, at most, to find an idle one. */
const LOOK_AT = 64;
const LOG_INTERVAL_MS = 60_000;

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Who may be connected, and for how long without taking an answer.
 *
 * A new connection above the limit takes the place of an idle one. Where none is idle, it is spare: its first request is
 * answered when it is about health or metrics, and otherwise with 503; then it is closed. When too many are spare, the
 * oldest of them is closed unheard. So the process keeps file descriptors for itself whatever callers do. Without any, the
 * operating system would reset each new connection, those of health checks included, and nothing would be logged.
 */
export class Connections {
  /** Connections that may be open, without the spare ones. */
  readonly most: number;
  private readonly shed = new Map<ShedReason, number>(SHED_REASONS.map((reason) => [reason, 0]));
  private readonly turns: Turns;
  private readonly mostOfAddress: number;
  private readonly mostSpare: number;
  private readonly open = new Map<Socket, Connection>();
  private readonly spare = new Set<Connection>();
  /** Of the spare ones, those whose one request is being answered. */
  private readonly served = new Set<Connection>();
  private readonly ofAddress = new Map<string, number>();
  private readonly logger = new Logger('Connections');
  /** Where the search for an idle one goes on, so that each comes up once before one does twice. */
  private hand = this.open.values();
  private logged = new Map(this.shed);
  private loggedAt = -Infinity;
  private lastRefusal: string | undefined;

  private readonly keepAliveMs: number;

  /**
   * @param limits as configured.
   * @param descriptors that the process may have open.
   * @param mostUnsent bytes of all answers together that their callers have not taken.
   */
  constructor(
    { maxConnections, maxConnectionsPerAddress, maxInflightPerConnection, keepAliveMs }: HttpConfig,
    descriptors = descriptorLimit(),
    private readonly mostUnsent = MAX_UNSENT_BYTES,
  ) {
    this.keepAliveMs = keepAliveMs;
    this.most = mostConnections(maxConnections, descriptors);
    // Three quarters of what is left are for files and for the other servers.
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

  /** Connections that are open, the spare ones included. */
  get size(): number {
    return this.open.size;
  }

  /** Connections that were closed for a reason, since the start. */
  shedFor(reason: ShedReason): number {
    return this.shed.get(reason) ?? 0;
  }

  /** An HTTP server whose connections are watched. */
  createServer({ checkInterval, write }: ConnectionTimes, serve: Serve, options: ServerOptions): Server {
    const all = { ...options, keepAliveTimeout: this.keepAliveMs, connectionsCheckingInterval: checkInterval };
    const server = createServer(all, (request, response) => {
      const connection = this.open.get(request.socket);
      if (connection === undefined) serve(request, response);
      else connection.pipeline.add(request, response);
    });
    server.on('connection', (socket) => this.connected(socket, serve));
    // Node's own would keep a connection that has sent nothing yet, and cut an answer that its caller is still taking.
    server.closeIdleConnections = () => {
      for (const { socket, isIdle } of this.open.values()) if (isIdle && socket.writableLength === 0) socket.destroy();
    };
    server.once('listening', () => {
      // Without a listener an error would end the process.
      server.on('error', (error) => this.refusedBySystem(error));
      const looking = setInterval(() => this.look(write), checkInterval);
      looking.unref();
      server.once('close', () => clearInterval(looking));
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
    if (address !== undefined) this.ofAddress.set(address, (this.ofAddress.get(address) ?? 0) + 1);
    socket.once('close', () => this.closed(connection));
    if (excess !== undefined) this.addSpare(connection, excess);
  }

  private closed(connection: Connection): void {
    const { socket, address } = connection;
    if (!this.open.delete(socket)) return;
    this.spare.delete(connection);
    this.served.delete(connection);
    if (address === undefined) return;
    const left = (this.ofAddress.get(address) ?? 1) - 1;
    if (left > 0) this.ofAddress.set(address, left);
    else this.ofAddress.delete(address);
  }

  /** Which limit a new connection is above, when no idle one can be closed for it. */
  private excessOf(address: string | undefined): Excess | undefined {
    if (address !== undefined && (this.ofAddress.get(address) ?? 0) >= this.mostOfAddress) return 'address';
    return this.open.size - this.spare.size < this.most || this.closeAnIdleOne('idle') ? undefined : 'full';
  }

  private closeAnIdleOne(reason: ShedReason): boolean {
    for (let looks = Math.min(LOOK_AT, this.open.size); looks > 0; looks--) {
      let next = this.hand.next();
      if (next.done === true) {
        this.hand = this.open.values();
        next = this.hand.next();
      }
      if (next.done !== true && next.value.isIdle && next.value.excess === undefined) {
        this.close(next.value, reason);
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
      // The new one itself, where all the others are being answered.
      this.close(oldest, excess);
      return;
    }
  }

  /** The first request alone: what follows it on a connection that is about to be closed could not be answered. */
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

  /** The process has no descriptor left, most likely. */
  private refusedBySystem(error: Error): void {
    if (!this.closeAnIdleOne('accept')) this.count('accept');
    this.lastRefusal = error.message;
  }

  private close(connection: Connection, reason: ShedReason): void {
    this.count(reason);
    connection.socket.destroy();
    // Its 'close' comes later, and its place is free now.
    this.closed(connection);
  }

  private count(reason: ShedReason): void {
    this.shed.set(reason, this.shedFor(reason) + 1);
  }

  private look(writeTimeout: number): void {
    const now = performance.now();
    const slow: Connection[] = [];
    let unsent = 0;
    for (const connection of this.open.values()) {
      connection.look(now);
      const since = connection.notTakenSince;
      if (since === undefined) continue;
      if (now - since >= writeTimeout) {
        this.close(connection, 'unread');
      } else {
        slow.push(connection);
        unsent += connection.pipeline.unsent;
      }
    }
    if (unsent > this.mostUnsent) this.closeTheSlowest(slow, unsent);
    this.logShed(now);
  }

  private closeTheSlowest(slow: Connection[], unsent: number): void {
    let left = unsent;
    for (const connection of slow.sort((a, b) => (a.notTakenSince ?? 0) - (b.notTakenSince ?? 0))) {
      if (left <= this.mostUnsent) return;
      left -= connection.pipeline.unsent;
      this.close(connection, 'memory');
    }
  }

  /** One line with the counts, at most once a minute: under an attack a line for each would be an attack on the log. */
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
