import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, freePort, ServerProcess } from './server-process.js';

/** Anything of redis.conf, as `--name value`; later ones win. */
export type RedisArguments = readonly string[];

/** A Redis that evicts nothing, as the gate demands, with a log that faults can cut. */
export class RedisServer extends ServerProcess {
  private constructor(
    directory: string,
    port: number,
    private args: RedisArguments,
  ) {
    super(directory, port);
  }

  /** The server on this port and directory, not started; both are made up when they are not given. */
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

  /** Other settings for the next start. */
  configure(args: RedisArguments): void {
    this.args = args;
  }

  /** The files of its append-only log; the `*.incr.aof` is the one that grows. */
  get aofDirectory(): string {
    return join(this.directory, 'appendonlydir');
  }

  protected command(): Command {
    const settings = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory];
    // Its command line has to go on naming its directory: endLeftovers knows it by that.
    const titled = ['--set-proc-title', 'no'];
    const durable = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];
    return { program: 'redis-server', args: [...settings, ...titled, ...durable, ...this.args] };
  }

  /** It listens before its AOF is loaded, and answers LOADING until then. */
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
