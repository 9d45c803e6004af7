import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, freePort, ServerProcess } from './server-process.js';

/** Settings of redis.conf, as `--name value`. Later ones win. */
export type RedisArguments = readonly string[];

/** A Redis that evicts nothing, as the gate requires, with an append-only log that faults can cut. */
export class RedisServer extends ServerProcess {
  private constructor(
    directory: string,
    port: number,
    private args: RedisArguments,
  ) {
    super(directory, port);
  }

  /** The server on this port and directory, not started. By default, both are new. */
  static async on(options: { port?: number; directory?: string; args?: RedisArguments } = {}): Promise<RedisServer> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'coupon-redis-'));
    return new RedisServer(directory, options.port ?? (await freePort()), options.args ?? []);
  }

  static async start(options: Parameters<typeof RedisServer.on>[0] = {}): Promise<RedisServer> {
    return (await RedisServer.on(options)).start();
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Sets other arguments for the next start. */
  configure(args: RedisArguments): void {
    this.args = args;
  }

  /** The directory of its append-only log. The file `*.incr.aof` is the one that grows. */
  get aofDirectory(): string {
    return join(this.directory, 'appendonlydir');
  }

  protected command(): Command {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory];
    // The command line must keep naming the directory: endLeftovers recognises the server by it.
    const titled = ['--set-proc-title', 'no'];
    const durable = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];
    return { program: 'redis-server', args: [...settings, ...titled, ...durable, ...this.args] };
  }

  /** Redis listens before its AOF is loaded, and answers LOADING until then. */
  protected serves(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.setTimeout(1_000, () => socket.destroy());
      socket.once('data', (answer) => {
        resolve(answer.toString().startsWith('+PONG'));
        socket.destroy();
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
  }
}
