import { connect, type Socket } from 'node:net';
import { type RawAnswer, readAnswer } from './answer.js';

/** Where the service is. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionEvents {
  answered(connection: Connection, call: number, answer: RawAnswer): void;
  /** Called also if the connection never opened. `call` got no answer; -1 if there was none. */
  closed(connection: Connection, call: number): void;
}

const READ_BYTES = 16_384;

/**
 * One connection that is kept alive, with at most one call under way, as a browser or a load balancer has it. A bare
 * socket: a call takes half of the processor time of `node:http`, and the machine is the service's too.
 */
export class Connection {
  readonly ready: Promise<void>;
  /** False before it is open, and after its end. */
  open = false;
  private readonly socket: Socket;
  /** The call under way; -1 for none. */
  call = -1;
  private received = '';

  constructor(
    { host, port }: Target,
    private readonly events: ConnectionEvents,
  ) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    this.socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer,
        callback: (length) => {
          this.read(buffer.toString('latin1', 0, length));
          return true;
        },
      },
    });
    this.ready = new Promise((resolve, reject) => {
      this.socket.once('connect', () => {
        this.open = true;
        resolve();
      });
      this.socket.once('error', reject);
    });
    // Who waits for `ready` hears of the error, and so does `closed`.
    this.ready.catch(() => undefined);
    this.socket.on('error', () => undefined);
    // A server that ends its half answers nothing more.
    this.socket.once('end', () => this.end());
    this.socket.once('close', () => {
      this.open = false;
      events.closed(this, this.call);
    });
  }

  /** True if no call is under way. */
  get idle(): boolean {
    return this.open && this.call < 0;
  }

  /** @param call a number for {@link ConnectionEvents}, not negative. */
  ask(call: number, request: string): void {
    this.call = call;
    this.socket.write(request, 'latin1');
  }

  /** Takes the connection for a call whose request is written piece by piece. */
  begin(call: number): void {
    this.call = call;
  }

  write(piece: string): void {
    if (!this.socket.destroyed) this.socket.write(piece, 'latin1');
  }

  end(): void {
    this.open = false;
    this.socket.destroy();
  }

  private read(chunk: string): void {
    this.received = this.received === '' ? chunk : this.received + chunk;
    let answer: RawAnswer | null;
    try {
      answer = readAnswer(this.received);
    } catch {
      // The connection ends, and the call counts as one without an answer.
      return this.end();
    }
    if (answer === null) return;
    if (this.call < 0) return this.end();
    this.received = this.received.slice(answer.length);
    const call = this.call;
    this.call = -1;
    if (answer.last) this.end();
    this.events.answered(this, call, answer);
  }
}
