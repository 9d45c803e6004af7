import { connect, type Socket } from 'node:net';

/** The beginning of each answer, before its status. */
const BEGINNING = Buffer.from('HTTP/1.1 ');
const STATUS_LENGTH = 3;

/** A connection that sends any bytes at any time, and counts the answers. */
export class RawCaller {
  /** The statuses of all answers, in their order. */
  readonly statuses: number[] = [];
  private tail: Buffer = Buffer.alloc(0);

  private constructor(
    readonly socket: Socket,
    private readonly answered: (caller: RawCaller) => void,
  ) {
    socket.setNoDelay(true).on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => undefined);
  }

  /**
   * Resolves when the connection is open or has failed.
   *
   * @param answered is called when bytes have come.
   */
  static async connect(url: string, answered: (caller: RawCaller) => void = () => undefined): Promise<RawCaller> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    const caller = new RawCaller(socket, answered);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    return caller;
  }

  get closed(): boolean {
    return this.socket.destroyed;
  }

  send(...requests: readonly string[]): void {
    this.socket.write(requests.join(''), 'latin1');
  }

  end(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    const bytes = this.tail.length === 0 ? chunk : Buffer.concat([this.tail, chunk]);
    const needed = BEGINNING.length + STATUS_LENGTH;
    let at = 0;
    for (let found = bytes.indexOf(BEGINNING); found >= 0; found = bytes.indexOf(BEGINNING, at)) {
      if (found + needed > bytes.length) break;
      at = found + needed;
      const status = Number(bytes.toString('latin1', at - STATUS_LENGTH, at));
      // The API document, as the body of an answer, also contains the text HTTP/1.1.
      if (status >= 100) this.statuses.push(status);
    }
    this.tail = bytes.subarray(Math.max(at, bytes.length - needed + 1));
    this.answered(this);
  }
}

export function getRequest(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}

export function claimRequest(userId: string, campaignId: string): string {
  const body = JSON.stringify({ userId, campaignId });
  const head = `POST /api/coupons/apply HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}
