import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from './kafka-jars.js';
import { type Command, freePort, ServerProcess } from './server-process.js';

const run = promisify(execFile);

/** How a broker differs from the default. */
export interface KafkaServerOptions {
  readonly port?: number;
  readonly directory?: string;
  /** Joins this server as one more broker. This server stays the only controller. */
  readonly joins?: KafkaServer;
  /** The name and password that clients need (SASL PLAIN, without TLS). */
  readonly sasl?: { readonly username: string; readonly password: string };
  /**
   * Opens a second listener, on which this client needs a name and a password (SASL PLAIN) and may do only what an ACL
   * allows. On the first listener everything is allowed.
   */
  readonly restricted?: { readonly username: string; readonly password: string };
  /** Added to server.properties; they override its other lines. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** One Kafka node in KRaft mode. It is broker and controller in one, unless it joins another node. */
export class KafkaServer extends ServerProcess {
  private jars = '';
  private members = 1;

  private constructor(
    directory: string,
    port: number,
    private readonly controllerPort: number,
    private readonly restrictedPort: number,
    private readonly options: KafkaServerOptions,
  ) {
    super(directory, port);
    if (options.joins !== undefined) options.joins.members += 1;
  }

  /** The server on this port and directory, not started. By default, both are new. */
  static async on(options: KafkaServerOptions = {}): Promise<KafkaServer> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'coupon-kafka-'));
    const controllerPort = options.joins?.controllerPort ?? (await freePort());
    return new KafkaServer(directory, options.port ?? (await freePort()), controllerPort, await freePort(), options);
  }

  static async start(options: KafkaServerOptions = {}): Promise<KafkaServer> {
    return (await KafkaServer.on(options)).start();
  }

  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The address of the second listener; see {@link KafkaServerOptions.restricted}. */
  get restrictedBrokers(): string {
    return `127.0.0.1:${this.restrictedPort}`;
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
      // A broker that was killed is fenced until its old session is over. The default of 9 s is for distant machines.
      'broker.session.timeout.ms': '3000',
      // Tests let a session expire. The default of 6 s would only make them longer.
      'group.min.session.timeout.ms': '500',
      ...this.joining(),
      ...this.authenticating(),
      ...this.restricting(),
      ...this.options.properties,
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

  private joining(): Record<string, string> {
    const { joins } = this.options;
    if (joins === undefined) return {};
    return {
      'node.id': String(joins.members),
      'process.roles': 'broker',
      listeners: `PLAINTEXT://127.0.0.1:${this.port}`,
    };
  }

  private authenticating(): Record<string, string> {
    const { sasl } = this.options;
    if (sasl === undefined) return {};
    const { username, password } = sasl;
    return {
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config': `${LOGIN} username="${username}" password="${password}" user_${username}="${password}";`,
    };
  }

  private restricting(): Record<string, string> {
    const { restricted } = this.options;
    if (restricted === undefined) return {};
    const plain = `PLAINTEXT://127.0.0.1:${this.port}`;
    const asking = `RESTRICTED://${this.restrictedBrokers}`;
    const { username, password } = restricted;
    return {
      listeners: `${plain},${asking},CONTROLLER://127.0.0.1:${this.controllerPort}`,
      'advertised.listeners': `${plain},${asking}`,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,RESTRICTED:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.restricted.plain.sasl.jaas.config': `${LOGIN} user_${username}="${password}";`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    };
  }

  private get java(): string[] {
    return ['-Djava.awt.headless=true', '-cp', join(this.jars, '*')];
  }

  /** The port opens before the broker has caught up with its controller. */
  protected async serves(): Promise<boolean> {
    const { sasl } = this.options;
    const admin = new Kafka({
      brokers: [this.brokers],
      logLevel: logLevel.NOTHING,
      ...(sasl === undefined ? {} : { sasl: { mechanism: 'plain', ...sasl } }),
      retry: { retries: 0 },
      requestTimeout: 2_000,
    }).admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length > 0;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required';

/** Any 16 bytes in base64url. Every stack is its own cluster, so they can be the same. */
const CLUSTER_ID = 'Y291cG9uLXN0YWNrLTAwMQ';
