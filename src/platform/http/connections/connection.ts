import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Pipeline, type Turns } from './pipeline.js';

/** Which limit a connection is above. */
export type Excess = 'full' | 'address';

/** One open connection, and what was seen of it when it was looked at. */
export class Connection {
  readonly pipeline: Pipeline;
  /** Bytes read at the last look; −1 before the first. */
  private bytesRead = -1;
  /** Bytes of answers that the kernel had taken at the last look. */
  private taken = 0;
  private takenAt = 0;

  constructor(
    readonly socket: Socket,
    turns: Turns,
    serve: (request: IncomingMessage, response: ServerResponse) => void,
    /** Counted against the cap of its address; undefined where there is none. */
    readonly address: string | undefined,
    /** Set where the connection is above a limit: one request of it is answered. */
    readonly excess: Excess | undefined,
  ) {
    this.pipeline = Pipeline.install(socket, turns, serve);
  }

  /**
   * True while nothing is lost when it is closed: no request is under way, and either one was answered before, or nothing
   * has come for at least one look. A connection that is only just open may have a request in the kernel's buffer.
   */
  get isIdle(): boolean {
    return this.pipeline.isIdle && (this.pipeline.wasAsked || this.socket.bytesRead === this.bytesRead);
  }

  /** To be called at regular times. */
  look(now: number): void {
    this.pipeline.forget();
    const taken = takenByKernel(this.socket);
    if (taken !== this.taken || this.socket.writableLength === 0) this.takenAt = now;
    this.bytesRead = this.socket.bytesRead;
    this.taken = taken;
  }

  /** The last look at which the caller had taken something, while answers wait for him; undefined while none does. */
  get notTakenSince(): number | undefined {
    return this.socket.writableLength > 0 ? this.takenAt : undefined;
  }
}

/** What Node knows of its handle. Not public; Node itself tells a slow caller from a silent one by it (`socket.setTimeout`). */
interface SocketWithHandle {
  readonly _handle?: { readonly bytesWritten: number; readonly writeQueueSize: number } | null;
}

/**
 * Bytes that have left the process. `bytesWritten` counts what waits as well, and `writableLength` falls only when a whole
 * write is done: by these two, a caller who asks and never reads looks busy, and one who takes a large answer slowly looks
 * deaf.
 */
function takenByKernel(socket: Socket & SocketWithHandle): number {
  const { _handle: handle } = socket;
  return handle === undefined || handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}
