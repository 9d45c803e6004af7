import { join } from 'node:path';
import { KafkaServer, type KafkaServerOptions } from './kafka-server.js';
import { MariadbServer } from './mariadb-server.js';
import { RedisServer } from './redis-server.js';

/** The port of each server on 127.0.0.1. */
export interface StackPorts {
  readonly redis: number;
  readonly kafka: number;
  readonly mysql: number;
}

/** How the servers differ from the default. */
export interface StackSettings {
  readonly redis?: readonly string[];
  readonly kafka?: Pick<KafkaServerOptions, 'port' | 'properties' | 'restricted' | 'sasl'>;
  readonly mariadb?: readonly string[];
}

/** The three servers as native processes, each in its own directory below one root. */
export class NativeStack {
  private constructor(
    readonly redis: RedisServer,
    readonly kafka: KafkaServer,
    readonly mariadb: MariadbServer,
  ) {}

  /** Starts all three at the same time, by default on free ports. If one fails, the others are ended. */
  static async start(
    root: string,
    ports: Partial<StackPorts> = {},
    settings: StackSettings = {},
  ): Promise<NativeStack> {
    const of = (name: string, port: number | undefined) => ({
      directory: join(root, name),
      ...(port === undefined ? {} : { port }),
    });
    const stack = new NativeStack(
      await RedisServer.on({ ...of('redis', ports.redis), args: settings.redis ?? [] }),
      await KafkaServer.on({ ...of('kafka', ports.kafka), ...settings.kafka }),
      await MariadbServer.on({ ...of('mariadb', ports.mysql), args: settings.mariadb ?? [] }),
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
