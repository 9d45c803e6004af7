import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/** Answers of one connection that are not sent yet, bytes, above which none of its further requests begins. */
const MAX_UNSENT_BYTES = 65_536;
/** A turn of the event loop that took longer leaves less for requests that are pipelined, ms. */
const LONG_TURN_MS = 4;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** Bytes of a request that is as short as can be: `GET / HTTP/1.0`, with the empty line. */
const SHORTEST_REQUEST = 18;

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/**
 * Shares each turn of the event loop among the connections that pipeline. The first request of a connection begins at
 * once. Those behind it, of all connections together, are at most {@link most} in one turn, and fewer after a turn that
 * took long; further ones wait for a later turn, and their connections take turns. Without this, fifty connections with
 * sixteen requests each would put 800 requests before the next claim of somebody else.
 */
export class Turns {
  /** Pipelined requests that may begin in a turn, as the last ones took. */
  private share: number;
  private left: number;
  private readonly waiting: Pipeline[] = [];
  private scheduled = false;
  private scheduledAt = 0;

  /** @param most requests of one connection that are under way at once, and pipelined requests that begin in one turn. */
  constructor(readonly most: number) {
    this.share = this.left = most;
  }

  /** Pipelined requests that may still begin in this turn. */
  get remaining(): number {
    return this.left;
  }

  take(requests: number): void {
    if (requests <= 0) return;
    this.left = Math.max(0, this.left - requests);
    this.schedule();
  }

  /** Calls `pipeline.proceed` in a later turn. */
  join(pipeline: Pipeline): void {
    this.waiting.push(pipeline);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.scheduledAt = performance.now();
    setImmediate(() => this.begin());
  }

  private begin(): void {
    this.scheduled = false;
    const isLong = performance.now() - this.scheduledAt > LONG_TURN_MS;
    this.share = isLong ? Math.max(1, this.share >> 1) : Math.min(this.most, this.share * 2);
    this.left = this.share;
    if (this.waiting.length === 0) return;
    const each = Math.max(1, Math.floor(this.share / this.waiting.length));
    const now = this.waiting.splice(0, this.share);
    this.take(each * now.length);
    for (const pipeline of now) pipeline.proceed(each);
  }
}

/**
 * One connection's requests, of which at most {@link Turns.most} are under way. What it sends beyond that stays unread:
 * in the socket's own buffer, which stops reading when it is full, and then in the kernel's, which stops the sender.
 *
 * Node parses a whole chunk of 64 KB at once, which can hold 2,000 requests, and its parser cannot be stopped in between.
 * So the bytes go to the parser in pieces, each of which ends where a request's head ends. A body that contains an empty
 * line is cut there too, which only makes more pieces.
 *
 * | state    | bytes that arrive        | leads on                                                                |
 * | -------- | ------------------------ | ----------------------------------------------------------------------- |
 * | reading  | go to the parser         | too many under way, or in this turn: waiting                            |
 * | waiting  | are put back, unread     | an answer is sent and the connection has its turn: reading              |
 */
export class Pipeline {
  /** In the order of the requests, which is that of the answers: the first one is sent first. */
  private readonly underWay: ServerResponse[] = [];
  /** Parsed although they may not begin yet: where an end of a head lay across two chunks, it was not seen. */
  private readonly early: Exchange[] = [];
  private last: IncomingMessage | undefined;
  /** Requests that may begin in the piece that is being parsed. */
  private free = 0;
  private waiting = false;
  private asked = false;
  /** True from {@link wait} to {@link proceed}: a connection waits for one thing at a time. */
  private awaits = false;
  /** Requests that may begin although this connection is waiting. */
  private granted = 0;
  /** Node pauses the socket as well, when answers are not taken; what it has paused only Node may resume. */
  private pausedHere = false;

  private constructor(
    private readonly socket: Socket,
    private readonly turns: Turns,
    private readonly parse: (chunk: Buffer) => undefined,
    private readonly serve: Serve,
  ) {}

  /**
   * Stands between the socket and Node's parser from now on.
   *
   * @throws where Node's server does not read the socket by one `data` listener, as it does up to Node 24.
   */
  static install(socket: Socket, turns: Turns, serve: Serve): Pipeline {
    const [parse, ...others] = socket.listeners('data') as ((chunk: Buffer) => undefined)[];
    if (parse === undefined || others.length > 0) throw new Error('this version of Node reads HTTP in another way');
    const pipeline = new Pipeline(socket, turns, parse, serve);
    socket.removeListener('data', parse);
    // Node's parser reads past JavaScript until somebody else listens.
    socket.on('data', (chunk: Buffer) => pipeline.read(chunk));
    return pipeline;
  }

  /** True when at least one request has come. */
  get wasAsked(): boolean {
    return this.asked;
  }

  /** True while no request is under way, being read or waiting. A head of which only a part came counts as nothing. */
  get isIdle(): boolean {
    this.forgetSent();
    return !this.waiting && this.underWay.length === 0 && this.last?.complete !== false;
  }

  /** Bytes of answers that the caller has not taken. */
  get unsent(): number {
    // The first one's bytes are those in the socket.
    return this.underWay.reduce(
      (sum, response, at) => (at === 0 ? sum : sum + response.writableLength),
      this.socket.writableLength,
    );
  }

  /** A request was parsed. */
  add(request: IncomingMessage, response: ServerResponse): void {
    this.last = request;
    this.asked = true;
    if (this.free > 0) {
      this.free -= 1;
      this.begin([request, response]);
    } else {
      this.early.push([request, response]);
      this.wait();
    }
  }

  /** Up to so many requests more may begin. */
  proceed(requests: number): void {
    this.awaits = false;
    if (this.socket.destroyed) return;
    this.forgetSent();
    let left = Math.min(requests, this.turns.most - this.underWay.length);
    for (; left > 0 && this.early.length > 0; left--) this.begin(this.early.shift() as Exchange);
    if (this.early.length > 0) {
      this.wait();
    } else if (this.socket.readableLength === 0) {
      this.waiting = false;
      this.resume();
    } else if (left > 0 || this.isInBody) {
      this.granted = left;
      this.resume();
    } else {
      this.wait();
    }
  }

  /** Lets go of what was answered; to be called now and then, or an idle connection keeps its last request in memory. */
  forget(): void {
    if (this.isIdle) this.last = undefined;
  }

  private read(chunk: Buffer): void {
    const { socket } = this;
    // Nothing can be answered any more, or Node has given the connection away, as it does for CONNECT.
    if (socket.writableEnded || (socket as Socket & { parser?: unknown }).parser === null) return;
    this.forgetSent();
    if (this.waiting && this.granted === 0 && !this.isInBody) this.keep(chunk);
    else this.readSome(chunk);
  }

  private readSome(chunk: Buffer): void {
    const { turns, granted } = this;
    this.granted = 0;
    this.waiting = false;
    const first = granted === 0 && this.underWay.length === 0 ? 1 : 0;
    const mayBegin = granted > 0 ? granted : this.mayBegin(first);
    this.free = mayBegin;
    const rest = chunk.length < mayBegin * SHORTEST_REQUEST ? this.parse(chunk) : this.readPieces(chunk);
    if (granted === 0) turns.take(mayBegin - this.free - first);
    this.free = 0;
    if (rest !== undefined) this.keep(rest);
  }

  /** @returns what may not be parsed yet. */
  private readPieces(chunk: Buffer): Buffer | undefined {
    let rest = chunk;
    for (;;) {
      const heads = this.free > 0 ? this.free : Number(this.isInBody);
      if (heads === 0) return rest;
      const { length, found } = upToHead(rest, heads);
      const free = this.free - found;
      this.parse(length === rest.length ? rest : rest.subarray(0, length));
      // Some heads bring no request here, such as one with an expectation that Node answers itself.
      this.free = Math.max(0, Math.min(this.free, free));
      if (length === rest.length || this.socket.writableEnded) return undefined;
      rest = rest.subarray(length);
      if (this.socket.isPaused()) return rest;
    }
  }

  /** The body of what has begun may always be read, or its request would never be answered. */
  private get isInBody(): boolean {
    return this.last?.complete === false && this.early.length === 0;
  }

  private mayBegin(first: number): number {
    if (first === 0 && this.unsent > MAX_UNSENT_BYTES) return 0;
    return first + Math.min(this.turns.most - first - this.underWay.length, this.turns.remaining);
  }

  private begin([request, response]: Exchange): void {
    this.underWay.push(response);
    this.serve(request, response);
  }

  private keep(rest: Buffer): void {
    const { socket } = this;
    const pausedByNode = socket.isPaused();
    if (!pausedByNode) {
      this.pausedHere = true;
      socket.pause();
    }
    socket.unshift(rest);
    // Node resumes it when answers are taken, and then the bytes come here again.
    if (pausedByNode && this.early.length === 0) this.waiting = true;
    else this.wait();
  }

  /** Until there is room, and then for a turn. */
  private wait(): void {
    this.waiting = true;
    if (this.awaits || this.socket.destroyed) return;
    this.awaits = true;
    this.forgetSent();
    const [first] = this.underWay;
    if (first === undefined || (this.underWay.length < this.turns.most && this.unsent <= MAX_UNSENT_BYTES)) {
      this.turns.join(this);
    } else {
      first.once('close', () => {
        this.awaits = false;
        this.wait();
      });
    }
  }

  private resume(): void {
    if (!this.pausedHere) return;
    this.pausedHere = false;
    this.socket.resume();
  }

  private forgetSent(): void {
    while (this.underWay[0]?.writableFinished === true) this.underWay.shift();
  }
}

/** How much of it ends with the given number of heads, or all of it where there are fewer. */
function upToHead(bytes: Buffer, heads: number): { readonly length: number; readonly found: number } {
  let length = 0;
  for (let found = 0; found < heads; found++) {
    const at = bytes.indexOf(END_OF_HEAD, length);
    if (at < 0) return { length: bytes.length, found };
    length = at + END_OF_HEAD.length;
  }
  return { length, found: heads };
}
