import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.js';
import { until } from './until.js';

/** One answer, as it came over the network. */
export interface RawResponse {
  readonly status: number;
  /** Names in lower case; a repeated header is joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Everything that came on a connection until it was closed or the deadline passed. */
export interface RawExchange {
  readonly responses: readonly RawResponse[];
  /** Statuses of interim answers, such as 100. */
  readonly interim: readonly number[];
  /** True if the server closed the connection. */
  readonly closed: boolean;
}

/** A piece to send, or a pause in ms. */
export type RawPiece = string | Buffer | number;

export interface RawOptions {
  readonly port: number;
  readonly host?: string;
  /** How many answers to wait for. If undefined, reading goes on until the server closes the connection. */
  readonly answers?: number;
  /** ms. The exchange then ends with what has come so far. */
  readonly deadline?: number;
  /** Closes the sending half of the connection after the last piece. */
  readonly halfClose?: boolean;
}

/**
 * Sends bytes that no HTTP client would send, and reads the answers. Resolves when enough answers have come, the server
 * has closed the connection, or the deadline has passed. A reset connection is a result too, so it does not reject.
 */
export async function exchange(pieces: readonly RawPiece[], options: RawOptions): Promise<RawExchange> {
  const socket = connect({ port: options.port, host: options.host ?? '127.0.0.1', allowHalfOpen: true });
  let received = Buffer.alloc(0);
  let closed = false;
  const finished = new Promise<void>((resolve) => {
    const deadline = setTimeout(resolve, options.deadline ?? PATIENCE_MS);
    const finish = (): void => {
      clearTimeout(deadline);
      resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (options.answers !== undefined && parseResponses(received).responses.length >= options.answers) {
        finish();
      }
    });
    const end = (): void => {
      closed = true;
      finish();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.on('error', () => undefined);
  });
  const sending = send(socket, pieces).then(() => (options.halfClose === true ? socket.end() : undefined));
  await finished;
  socket.destroy();
  await sending;
  return { ...parseResponses(received), closed };
}

/** Sends one request and reads one answer. */
export async function request(pieces: readonly RawPiece[], options: RawOptions): Promise<RawResponse> {
  const { responses } = await exchange(pieces, { answers: 1, ...options });
  const [response] = responses;
  if (response === undefined) {
    throw new Error('no answer');
  }
  return response;
}

/** Asks until the service is not too busy, as an honest caller does. A claim needs an Idempotency-Key for it. */
export function decided(ask: () => Promise<RawResponse>): Promise<RawResponse> {
  return until('an answer other than 503', async () => {
    const response = await ask();
    return response.status === 503 ? null : response;
  });
}

/** The text of a request with a Host. A body gets a Content-Length, unless the headers already give its length. */
export function text(line: string, headers: Readonly<Record<string, string>> = {}, body?: string | Buffer): Buffer {
  const given = Object.keys(headers).map((name) => name.toLowerCase());
  const framed = given.includes('content-length') || given.includes('transfer-encoding');
  const all = {
    Host: 'localhost',
    ...headers,
    ...(body === undefined || framed ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\n${head.join('')}\r\n`, 'latin1'), Buffer.from(body ?? '')]);
}

async function send(socket: Socket, pieces: readonly RawPiece[]): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) {
      return;
    }
    if (typeof piece === 'number') {
      await delay(piece);
    } else {
      socket.write(piece);
    }
  }
}

function parseResponses(received: Buffer): Pick<RawExchange, 'responses' | 'interim'> {
  const responses: RawResponse[] = [];
  const interim: number[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) {
      return { responses, interim };
    }
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(':')).toLowerCase();
      const value = line.slice(line.indexOf(':') + 1).trim();
      headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    const status = Number(statusLine.split(' ')[1]);
    const start = end + 4;
    const length = Number(headers['content-length'] ?? 0);
    if (rest.length < start + length) {
      return { responses, interim };
    }
    if (status >= 200) {
      responses.push({ status, headers, body: rest.subarray(start, start + length).toString('utf8') });
    } else {
      interim.push(status);
    }
    rest = rest.subarray(start + length);
  }
}
