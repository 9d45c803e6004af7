import { join } from 'node:path';
import { KafkaServer } from './kafka-server.js';
import { MariadbServer } from './mariadb-server.js';
import { RedisServer } from './redis-server.js';

/** Where each server listens, on 127.0.0.1. */
export interface StackPorts {
  readonly redis: number;
  readonly kafka: number;
  readonly mysql: number;
}

/** The three servers as native processes, each in a directory of its own below one root. */
export class NativeStack {
  private constructor(
    readonly redis: RedisServer,
    readonly kafka: KafkaServer,
    readonly mariadb: MariadbServer,
  ) {}

  /** Starts all three side by side; free ports where none are given. When one fails, the others are ended. */
  static async start(root: string, ports: Partial<StackPorts> = {}): Promise<NativeStack> {
    const of = (name: string, port: number | undefined) => ({
      directory: join(root, name),
      ...(port === undefined ? {} : { port }),
    });
    const stack = new NativeStack(
      await RedisServer.on(of('redis', ports.redis)),
      await KafkaServer.on(of('kafka', ports.kafka)),
      await MariadbServer.on(of('mariadb', ports.mysql)),
    );
    const outcomes = await Promise.allSettled(stack.servers.map((server) => server.start()));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        await stack.stop();
        throw outcome.reason;
      }
    }
    return stack;
  }

  private get servers() {
    return [this.redis, this.kafka, this.mariadb];
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
