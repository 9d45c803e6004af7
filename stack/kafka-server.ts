import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaJars } from './kafka-jars.js';
import { type Command, freePort, listens, ServerProcess } from './server-process.js';

const run = promisify(execFile);

/** One Kafka node in KRaft mode, broker and controller in one. */
export class KafkaServer extends ServerProcess {
  private jars = '';

  private constructor(
    directory: string,
    port: number,
    private readonly controllerPort: number,
    private readonly settings: Readonly<Record<string, string>>,
  ) {
    super(directory, port);
  }

  /** The server on this port and directory, not started; both are made up when they are not given. */
  static async on(
    options: { port?: number; directory?: string; settings?: Readonly<Record<string, string>> } = {},
  ): Promise<KafkaServer> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'coupon-kafka-'));
    return new KafkaServer(directory, options.port ?? (await freePort()), await freePort(), options.settings ?? {});
  }

  static async start(options: Parameters<typeof KafkaServer.on>[0] = {}): Promise<KafkaServer> {
    return (await KafkaServer.on(options)).start();
  }

  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The directory of one partition's segments. */
  partitionDirectory(topic: string, partition: number): string {
    return join(this.directory, 'data', `${topic}-${partition}`);
  }

  protected override async prepare(): Promise<void> {
    this.jars = await kafkaJars();
    const file = join(this.directory, 'server.properties');
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${this.controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROLLER://127.0.0.1:${this.controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.port}`,
      'log.dirs': join(this.directory, 'data'),
      // The system topics exist once, because there is one broker.
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'offsets.topic.num.partitions': '3',
      'group.initial.rebalance.delay.ms': '0',
      'auto.create.topics.enable': 'false',
      'num.partitions': '1',
      // A broker that was killed is fenced until its old session is over; 9 s is for machines that are far away.
      'broker.session.timeout.ms': '3000',
      ...this.settings,
    };
    const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, text.join(''));
    if (existsSync(join(this.directory, 'data', 'meta.properties'))) return;
    const format = ['format', '--cluster-id', CLUSTER_ID, '--config', file];
    await run('java', [...this.java, 'kafka.tools.StorageTool', ...format], { cwd: this.directory });
  }

  protected command(): Command {
    const heap = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const file = join(this.directory, 'server.properties');
    return { program: 'java', args: [...heap, ...this.java, 'kafka.Kafka', file] };
  }

  private get java(): string[] {
    return ['-Djava.awt.headless=true', '-cp', join(this.jars, '*')];
  }

  /** The port opens when the broker has caught up with its controller. */
  protected serves(): Promise<boolean> {
    return listens(this.port);
  }
}

/** Any 16 bytes in base64url; every stack is a cluster of its own. */
const CLUSTER_ID = 'Y291cG9uLXN0YWNrLTAwMQ';
