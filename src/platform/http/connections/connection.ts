import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Pipeline } from './pipeline.js';
import { type Turns } from './turns.js';

/** The limit that a connection is above: of the process, or of its address. */
export type Excess = 'full' | 'address';

/** One open connection, and what the last check saw of it. */
export class Connection {
  readonly pipeline: Pipeline;
  /** Bytes read at the last check; −1 before the first. */
  private bytesRead = -1;
  /** Bytes of answers that the kernel had taken at the last check. */
  private taken = 0;
  private takenAt = 0;

  constructor(
    readonly socket: Socket,
    turns: Turns,
    serve: (request: IncomingMessage, response: ServerResponse) => void,
    /** The address whose limit counts it; undefined if addresses have no limit. */
    readonly address: string | undefined,
    /** Set if the connection is above a limit: the service answers one request on it. */
    readonly excess: Excess | undefined,
  ) {
    this.pipeline = Pipeline.install(socket, turns, serve);
  }

  /**
   * True while closing the connection loses nothing: no request is under way, and either one was answered before, or no
   * byte has come since the last check. A connection that has just opened may have a request in the kernel's buffer.
   */
  get isIdle(): boolean {
    return this.pipeline.isIdle && (this.pipeline.wasAsked || this.socket.bytesRead === this.bytesRead);
  }

  /** Call it at regular intervals. */
  check(now: number): void {
    this.pipeline.forget();
    const taken = takenByKernel(this.socket);
    if (taken !== this.taken || this.socket.writableLength === 0) this.takenAt = now;
    this.bytesRead = this.socket.bytesRead;
    this.taken = taken;
  }

  /** The time of the last check at which the caller had taken bytes of an answer. Undefined while no answer waits. */
  get notTakenSince(): number | undefined {
    return this.socket.writableLength > 0 ? this.takenAt : undefined;
  }
}

/**
 * Node's internal socket handle. It is not public, but Node's own `socket.setTimeout` uses it to tell a slow caller
 * from a silent one.
 */
interface SocketWithHandle {
  readonly _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
}

/**
 * Bytes that have left the process. The socket's own numbers do not tell: `bytesWritten` also counts bytes that still
 * wait, so a caller who asks and never reads would look busy; `writableLength` falls only when a whole write is done,
 * so a caller who reads a large answer slowly would look dead.
 */
function takenByKernel(socket: Socket & SocketWithHandle): number {
  const { _handle: handle } = socket;
  return handle === undefined || handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}
