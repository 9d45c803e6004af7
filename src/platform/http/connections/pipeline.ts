import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type Turns } from './turns.js';

/** While more bytes than this of a connection's answers are unsent, no further request of it begins. */
const MAX_UNSENT_BYTES = 65_536;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** Bytes of the shortest request: `GET / HTTP/1.0` and the empty line. */
const SHORTEST_REQUEST = 18;

const pipelines = new WeakMap<Socket, Pipeline>();

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/**
 * The requests of one connection, of which at most {@link Turns.most} are under way. What the caller sends beyond that
 * stays unread in the socket's buffer. When that is full, the socket stops reading; the kernel's buffer fills, and the
 * caller has to wait.
 *
 * Node parses a whole chunk of 64 KB at once. It can hold 2,000 requests, and the parser cannot be stopped in between.
 * So the parser gets the bytes in pieces, each of which ends with the head of a request. A body that contains an empty
 * line is cut there too, which only makes more pieces.
 *
 * | state    | bytes that arrive        | next state                                                              |
 * | -------- | ------------------------ | ----------------------------------------------------------------------- |
 * | reading  | go to the parser         | waiting, when too many requests are under way or begin in this turn     |
 * | waiting  | are put back, unread     | reading, when an answer is sent and the connection has its turn         |
 */
export class Pipeline {
  /** Answers in the order of their requests; they are sent in this order. */
  private readonly underWay: ServerResponse[] = [];
  /** Requests that were parsed too early: the end of a head lay across two chunks, so it was not seen in time. */
  private readonly early: Exchange[] = [];
  private last: IncomingMessage | undefined;
  /** Requests that may begin in the piece that is being parsed. */
  private free = 0;
  private waiting = false;
  private asked = false;
  /** True from {@link wait} to {@link proceed}, so that the connection does not wait twice. */
  private awaits = false;
  private streaming = false;
  /** Requests that may begin although this connection is waiting. */
  private granted = 0;
  /**
   * True if this class paused the socket. Node pauses it too, when a caller takes no answers; only Node may end its own
   * pause.
   */
  private pausedHere = false;

  private constructor(
    private readonly socket: Socket,
    private readonly turns: Turns,
    private readonly parse: (chunk: Buffer) => undefined,
    private readonly serve: Serve,
  ) {}

  /**
   * Puts a pipeline between the socket and Node's parser.
   *
   * @throws if Node's server does not read the socket with one `data` listener. All versions up to Node 24 do.
   */
  static install(socket: Socket, turns: Turns, serve: Serve): Pipeline {
    const [parse, ...others] = socket.listeners('data') as ((chunk: Buffer) => undefined)[];
    if (parse === undefined || others.length > 0) throw new Error('this version of Node reads HTTP in another way');
    const pipeline = new Pipeline(socket, turns, parse, serve);
    pipelines.set(socket, pipeline);
    socket.removeListener('data', parse);
    // Until there is another listener, Node's parser reads the socket without JavaScript.
    socket.on('data', (chunk: Buffer) => pipeline.read(chunk));
    return pipeline;
  }

  /**
   * The answer lasts as long as its connection: what the caller sends from now on ends both. It would stay in memory for
   * as long as the caller watches.
   *
   * @returns false when something came behind the request already.
   */
  static beginStream(socket: Socket, response: ServerResponse): boolean {
    const pipeline = pipelines.get(socket);
    if (pipeline === undefined) return true;
    pipeline.streaming = true;
    const { underWay, early, waiting } = pipeline;
    return early.length === 0 && !waiting && underWay.indexOf(response) === underWay.length - 1;
  }

  /** True if the connection carries a stream: it is never idle again. */
  get isStream(): boolean {
    return this.streaming;
  }

  /** True if at least one request has come. */
  get wasAsked(): boolean {
    return this.asked;
  }

  /** True while no request is under way, being read or waiting. An incomplete head does not count as a request. */
  get isIdle(): boolean {
    this.forgetSent();
    return !this.waiting && this.underWay.length === 0 && this.last?.complete !== false;
  }

  /** Bytes of answers that the caller has not taken. */
  get unsent(): number {
    // The bytes of the first answer are in the socket.
    return this.underWay.reduce(
      (sum, response, at) => (at === 0 ? sum : sum + response.writableLength),
      this.socket.writableLength,
    );
  }

  /** Node's parser calls this with each request. */
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

  /** Begins up to this many further requests. */
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

  /** Drops what was answered. Call it at intervals, or an idle connection keeps its last request in memory. */
  forget(): void {
    if (this.isIdle) this.last = undefined;
  }

  private read(chunk: Buffer): void {
    const { socket } = this;
    // The connection can send no more answers, or Node has handed it over, as it does for CONNECT.
    if (socket.writableEnded || (socket as Socket & { parser?: unknown }).parser === null) return;
    // mutant: bytes-behind-a-stream
    if (this.streaming) return void socket.destroy();
    this.forgetSent();
    if (this.waiting && this.granted === 0 && !this.isInBody) this.putBack(chunk);
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
    if (rest !== undefined) this.putBack(rest);
  }

  /** @returns the bytes that may not be parsed yet. */
  private readPieces(chunk: Buffer): Buffer | undefined {
    let rest = chunk;
    for (;;) {
      const heads = this.free > 0 ? this.free : Number(this.isInBody);
      if (heads === 0) return rest;
      const { length, found } = upToHead(rest, heads);
      const free = this.free - found;
      this.parse(length === rest.length ? rest : rest.subarray(0, length));
      // Some heads cause no call of `add`, such as one with an expectation that Node answers itself.
      this.free = Math.max(0, Math.min(this.free, free));
      if (length === rest.length || this.socket.writableEnded) return undefined;
      rest = rest.subarray(length);
      if (this.socket.isPaused()) return rest;
    }
  }

  /**
   * True while the body of a request that has begun arrives. It may always be read, or the request would never be
   * answered.
   */
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

  private putBack(rest: Buffer): void {
    const { socket } = this;
    const pausedByNode = socket.isPaused();
    if (!pausedByNode) {
      this.pausedHere = true;
      socket.pause();
    }
    socket.unshift(rest);
    // Node resumes the socket when the caller takes answers; then the bytes come here again.
    if (pausedByNode && this.early.length === 0) this.waiting = true;
    else this.wait();
  }

  /** Waits until fewer requests are under way, and then for a turn. */
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

/** The length of the part that ends with the given number of heads, or all of the bytes if they hold fewer. */
function upToHead(bytes: Buffer, heads: number): { readonly length: number; readonly found: number } {
  let length = 0;
  for (let found = 0; found < heads; found++) {
    const at = bytes.indexOf(END_OF_HEAD, length);
    if (at < 0) return { length: bytes.length, found };
    length = at + END_OF_HEAD.length;
  }
  return { length, found: heads };
}
