import { isIP } from 'node:net';
import { z } from 'zod';
import { RISKS, type Risk } from './risks.js';

/** Which adapters the process is built from. */
export type Profile = 'embedded' | 'distributed';

/** What a process runs; any combination, at least one. */
export type Role = 'api' | 'consumer' | 'retry';

/** The least severe level that is still written. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'verbose';

/** How log lines are written. */
export type LogFormat = 'json' | 'pretty';

/** Which answers are logged: none, those of 400 and above, or all. */
export type AccessLog = 'off' | 'errors' | 'all';

/** What one caller, or all of them, may take of the HTTP server. */
export interface HttpConfig {
  /** Requests of one connection that are answered at once; further ones wait unread in its socket. */
  readonly maxInflightPerConnection: number;
  /** Open connections of the process; undefined: the limit of file descriptors less 256. */
  readonly maxConnections: number | undefined;
  /** Open connections of one address; 0: no limit. */
  readonly maxConnectionsPerAddress: number;
  /** How long an idle connection stays open, ms. */
  readonly keepAliveMs: number;
  /** Reads (everything but claims) that are worked on at once. */
  readonly readConcurrency: number;
  /** What a proxy strips from the path, such as `/coupons`; empty, or a slash and no slash at the end. */
  readonly basePath: string;
}

/** How kafkajs authenticates; the password never appears in a message of this file. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** Everything about the claim log's broker; `brokers` is empty in the embedded profile. */
export interface KafkaConfig {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  /** Used only when the topic has to be created. */
  readonly partitions: number;
  /** Used only when the topic has to be created. */
  readonly replication: number;
  /** Used only when the topic has to be created. */
  readonly minInsync: number;
  readonly ssl: boolean;
  readonly sasl: KafkaSasl | undefined;
}

/** The environment, typed; see `.env.example` for what each value changes. */
export interface Env {
  readonly profile: Profile;
  readonly roles: ReadonlySet<Role>;
  readonly host: string;
  /** 0 lets the operating system choose. */
  readonly port: number;
  /** Directory of the embedded database and of the admin token. */
  readonly dataDir: string;
  readonly redisUrl: string | undefined;
  readonly kafka: KafkaConfig;
  readonly databaseUrl: string | undefined;
  /** TLS with a verified certificate. */
  readonly databaseSsl: boolean;
  readonly migrateOnStart: boolean;
  /** Coupons of the campaign `default`, used only when it does not exist yet. */
  readonly defaultCampaignTotal: number;
  /** Undefined in the embedded profile when it is to be made on the first start. */
  readonly adminToken: string | undefined;
  /** Risks that the operator has accepted; nothing warns of them. */
  readonly allowInsecure: ReadonlySet<Risk>;
  /** Limits of the HTTP server. */
  readonly http: HttpConfig;
  readonly logLevel: LogLevel;
  /** pretty: for people at a terminal; json: one object a line. Undefined: pretty where standard output is a terminal. */
  readonly logFormat: LogFormat | undefined;
  /** Which requests leave a line in the log. */
  readonly accessLog: AccessLog;
}

/** The same, for a process of the distributed profile: the addresses are known to be there. */
export type DistributedConfig = AppConfig & { readonly redisUrl: string; readonly databaseUrl: string };

/** The parsed configuration as an injection token; make it with {@link parseEnv}. */
export class AppConfig implements Env {
  readonly profile!: Profile;
  readonly roles!: ReadonlySet<Role>;
  readonly host!: string;
  readonly port!: number;
  readonly dataDir!: string;
  readonly redisUrl!: string | undefined;
  readonly kafka!: KafkaConfig;
  readonly databaseUrl!: string | undefined;
  readonly databaseSsl!: boolean;
  readonly migrateOnStart!: boolean;
  readonly defaultCampaignTotal!: number;
  readonly adminToken!: string | undefined;
  readonly allowInsecure!: ReadonlySet<Risk>;
  readonly http!: HttpConfig;
  readonly logLevel!: LogLevel;
  readonly logFormat!: LogFormat | undefined;
  readonly accessLog!: AccessLog;

  constructor(env: Env) {
    Object.assign(this, env);
  }

  /** Narrows the addresses to strings; {@link parseEnv} guarantees them in this profile. */
  isDistributed(): this is DistributedConfig {
    return this.profile === 'distributed';
  }
}

/** The environment cannot be used. The message is one line per mistake, and never a secret's value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join('\n'));
  }
}

/** The longest stock a campaign can have; the database column and the gate are sized for it. */
export const MAX_CAMPAIGN_TOTAL = 10_000_000;

const SECRETS: ReadonlySet<string> = new Set([
  'REDIS_URL',
  'DATABASE_URL',
  'ADMIN_TOKEN',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
]);

const ROLES = ['api', 'consumer', 'retry'] as const;

/** Variables that are lists, and what can stand in them. */
const LISTS: Readonly<Record<string, readonly string[]>> = { ROLES, ALLOW_INSECURE: RISKS };

/** Decimal digits only: Number() alone would take 1e3, 0x10 and blanks. */
const integer = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `an integer from ${min} to ${max}`,
    })
    .transform(Number);

const flag = z.stringbool({ truthy: ['true', '1', 'on'], falsy: ['false', '0', 'off'], error: 'true or false' });

const url = (protocols: readonly string[], form: string, complete: (parsed: URL) => boolean) =>
  z.string().refine(
    (text) => {
      const parsed = URL.canParse(text) ? new URL(text) : undefined;
      return parsed !== undefined && protocols.includes(parsed.protocol) && parsed.hostname !== '' && complete(parsed);
    },
    { error: form },
  );

/** No IPv6 address: kafkajs takes what stands before the first colon for the host. */
const BROKER = /^[A-Za-z0-9._-]+:(\d{1,5})$/;

const listOf = (text: string): string[] => text.split(',').map((item) => item.trim());

const variables = z.object({
  PROFILE: z.enum(['embedded', 'distributed'], { error: 'embedded or distributed' }).default('embedded'),
  ROLES: z
    .string()
    .default(ROLES.join(','))
    .transform(listOf)
    .pipe(z.array(z.enum(ROLES)))
    .transform((roles): ReadonlySet<Role> => new Set(roles)),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]+$/, { error: 'an address or a host name' })
    .default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3000),
  DATA_DIR: z.string().default('./data'),
  // ioredis takes a query for options, which would win over the settings that the gate relies on.
  REDIS_URL: url(
    ['redis:', 'rediss:'],
    'redis://host:port or rediss://host:port, without a query',
    ({ search }) => search === '',
  ).optional(),
  KAFKA_BROKERS: z
    .string()
    .transform(listOf)
    .refine((brokers) => brokers.every((broker) => Number(BROKER.exec(broker)?.[1] ?? Infinity) <= 65_535), {
      error: 'host:port, several separated by commas',
    })
    .optional(),
  KAFKA_TOPIC: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, { error: '1 to 249 letters, digits, dots, underscores or hyphens' })
    .default('coupon_create'),
  KAFKA_GROUP_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,249}$/, { error: '1 to 249 printable characters without spaces' })
    .default('coupon-consumer'),
  KAFKA_PARTITIONS: integer(1, 10_000).default(12),
  KAFKA_REPLICATION: integer(1, 100).default(1),
  KAFKA_MIN_INSYNC: integer(1, 100).default(1),
  KAFKA_SSL: flag.default(false),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'], { error: 'plain, scram-sha-256 or scram-sha-512' })
    .optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: z.string().optional(),
  DATABASE_URL: url(
    ['mysql:'],
    'mysql://user:password@host:port/database',
    (parsed) => parsed.username !== '' && parsed.pathname.length > 1,
  ).optional(),
  DATABASE_SSL: flag.default(false),
  MIGRATE_ON_START: flag.default(true),
  DEFAULT_CAMPAIGN_TOTAL: integer(1, MAX_CAMPAIGN_TOTAL).default(100),
  // Visible ASCII, because the token has to survive an Authorization header unchanged.
  ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{16,512}$/, { error: '16 to 512 printable ASCII characters without spaces' })
    .optional(),
  ALLOW_INSECURE: z
    .string()
    .transform(listOf)
    .pipe(z.array(z.enum(RISKS)))
    .transform((risks): ReadonlySet<Risk> => new Set(risks))
    .default(new Set<Risk>()),
  MAX_INFLIGHT_PER_CONNECTION: integer(1, 10_000).default(16),
  MAX_CONNECTIONS: integer(1, 1_000_000).optional(),
  MAX_CONNECTIONS_PER_ADDRESS: integer(0, 1_000_000).default(0),
  KEEP_ALIVE_MS: integer(1000, 3_600_000).default(65_000),
  READ_CONCURRENCY: integer(1, 1000).default(8),
  BASE_PATH: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)+$/, { error: 'a path such as /coupons, without a slash at its end' })
    .optional(),
  LOG_FORMAT: z.enum(['json', 'pretty'], { error: 'json or pretty' }).optional(),
  ACCESS_LOG: z.enum(['off', 'errors', 'all'], { error: 'off, errors or all' }).default('off'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'verbose'], {
      error: 'fatal, error, warn, info, debug or verbose',
    })
    .default('info'),
});

/** Every variable that is read; `.env.example` documents exactly these. */
export const ENV_VARIABLES: readonly string[] = Object.keys(variables.shape);

type Source = Readonly<Record<string, string | undefined>>;

/** An empty value is what `docker compose` and `env VAR=` make of a variable that was left out. */
function withoutEmpty(source: Source): Source {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value.trim() !== ''));
}

function given(name: string, source: Source): string {
  const value = source[name];
  if (value === undefined) {
    return 'it is not set';
  }
  if (SECRETS.has(name)) {
    return `something else was given (${value.length} characters, not shown because it is a secret)`;
  }
  return `${JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)} was given`;
}

/** What no variable can say about itself. Checked on the source, so that these lines come together with the others. */
function contradictions(source: Source): string[] {
  const mistakes: string[] = [];
  const demand = (name: string, expectation: string, fulfilled: boolean): void => {
    if (!fulfilled) {
      mistakes.push(`${name}: expected ${expectation}; ${given(name, source)}`);
    }
  };
  if (source['PROFILE'] === 'distributed') {
    for (const name of ['REDIS_URL', 'KAFKA_BROKERS', 'DATABASE_URL']) {
      demand(name, 'a value, because PROFILE is distributed', source[name] !== undefined);
    }
    demand(
      'ADMIN_TOKEN',
      'at least 32 characters, because PROFILE is distributed',
      // Shorter than 16 is already reported by the variable's own rule.
      source['ADMIN_TOKEN'] !== undefined && !(source['ADMIN_TOKEN'].length >= 16 && source['ADMIN_TOKEN'].length < 32),
    );
  }
  const sasl = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'];
  if (sasl.some((name) => source[name] !== undefined)) {
    for (const name of sasl) {
      demand(name, `a value, because the other KAFKA_SASL variables are set`, source[name] !== undefined);
    }
  }
  const databaseUrl = source['DATABASE_URL'] ?? '';
  if (flag.safeParse(source['DATABASE_SSL']).data === true && URL.canParse(databaseUrl)) {
    // mysql2 compares the certificate of a server that it reaches by an address with the name localhost.
    demand(
      'DATABASE_URL',
      "the server's name instead of its address, because DATABASE_SSL is set",
      isIP(new URL(databaseUrl).hostname.replace(/^\[|\]$/g, '')) === 0,
    );
  }
  const replication = Number(source['KAFKA_REPLICATION'] ?? 1);
  const minInsync = Number(source['KAFKA_MIN_INSYNC'] ?? 1);
  demand('KAFKA_MIN_INSYNC', `at most KAFKA_REPLICATION (${replication})`, !(minInsync > replication));
  return mistakes;
}

/**
 * Reads the configuration once.
 *
 * @param source - the variables; an empty value counts as not set.
 * @throws ConfigurationError with one line per mistake: the variable, what was expected, what was given.
 */
export function parseEnv(source: Source): AppConfig {
  const cleaned = withoutEmpty(source);
  const parsed = variables.safeParse(cleaned);
  const mistakes = (parsed.error?.issues ?? []).map((issue) => {
    const name = String(issue.path[0]);
    const choices = LISTS[name];
    const expectation = choices === undefined ? issue.message : `a list out of ${choices.join(', ')}`;
    return `${name}: expected ${expectation}; ${given(name, cleaned)}`;
  });
  mistakes.push(...contradictions(cleaned));
  if (!parsed.success || mistakes.length > 0) {
    throw new ConfigurationError([...new Set(mistakes)]);
  }
  const env = parsed.data;
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  return new AppConfig({
    profile: env.PROFILE,
    roles: env.ROLES,
    host: env.HOST,
    port: env.PORT,
    dataDir: env.DATA_DIR,
    redisUrl: env.REDIS_URL,
    kafka: {
      brokers: env.KAFKA_BROKERS ?? [],
      topic: env.KAFKA_TOPIC,
      groupId: env.KAFKA_GROUP_ID,
      partitions: env.KAFKA_PARTITIONS,
      replication: env.KAFKA_REPLICATION,
      minInsync: env.KAFKA_MIN_INSYNC,
      ssl: env.KAFKA_SSL,
      sasl: mechanism && username && password ? { mechanism, username, password } : undefined,
    },
    databaseUrl: env.DATABASE_URL,
    databaseSsl: env.DATABASE_SSL,
    migrateOnStart: env.MIGRATE_ON_START,
    defaultCampaignTotal: env.DEFAULT_CAMPAIGN_TOTAL,
    adminToken: env.ADMIN_TOKEN,
    allowInsecure: env.ALLOW_INSECURE,
    http: {
      maxInflightPerConnection: env.MAX_INFLIGHT_PER_CONNECTION,
      maxConnections: env.MAX_CONNECTIONS,
      maxConnectionsPerAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
      keepAliveMs: env.KEEP_ALIVE_MS,
      readConcurrency: env.READ_CONCURRENCY,
      basePath: env.BASE_PATH ?? '',
    },
    logLevel: env.LOG_LEVEL,
    logFormat: env.LOG_FORMAT,
    accessLog: env.ACCESS_LOG,
  });
}

/** {@link parseEnv} of the process's own environment. */
export function readEnv(): AppConfig {
  return parseEnv(process.env);
}

/** LOG_FORMAT alone, for a process that has to say that the rest cannot be used. Undefined also where it is no format. */
export function readLogFormat(): LogFormat | undefined {
  return variables.shape.LOG_FORMAT.safeParse(process.env['LOG_FORMAT']).data;
}
