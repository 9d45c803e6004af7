import { type Rate } from '../rates/rate.js';
import { readTracingConfig, type TracingConfig } from '../tracing/tracing-variables.js';
import {
  type AccessLog,
  type AdminListenerConfig,
  type EntryConfig,
  type HttpConfig,
  type Identity,
  type KafkaConfig,
  type LogFormat,
  type LogLevel,
  type Profile,
  type RateLimits,
  type Role,
} from './config-parts.js';
import { findContradictions } from './contradictions.js';
import { given } from './given-value.js';
import { type JwtConfig, readJwtConfig } from './jwt-config.js';
import { type Risk } from './risks.js';
import { withSecretFiles } from './secret-files.js';
import { ConfigurationError } from './startup-error.js';
import { type Source, variables } from './variables.js';

/** The environment, typed. `.env.example` says what each value changes. */
export interface Env {
  readonly profile: Profile;
  readonly roles: ReadonlySet<Role>;
  readonly host: string;
  /** 0 lets the operating system choose. */
  readonly port: number;
  /** A second port, for operators; undefined: the public port serves everything. */
  readonly admin: AdminListenerConfig | undefined;
  /** Are the API document and its pages served? */
  readonly docs: boolean;
  /** The shopper's page and the console. */
  readonly pages: boolean;
  /** Do closing, lowering, discarding and changes of operators' keys need a second operator? */
  readonly twoPerson: boolean;
  /** The distributed profile has no default for it. */
  readonly identity: Identity;
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
  /** Failed events are deleted this long after they were resolved, ms. */
  readonly failedEventRetentionMs: number;
  /** How many refusals of users one process keeps in a second, for support; 0: none. */
  readonly refusalsKeptPerSecond: number;
  /** Refusals are deleted after this time, ms. */
  readonly refusalRetentionMs: number;
  /** From the end of a campaign's window to its closing by the service, ms; null: it does not close campaigns. */
  readonly closeAfterEndMs: number | null;
  /** From the closing of a campaign to its leaving the gate, ms; null: none leaves. */
  readonly gateRetentionMs: number | null;
  /** Undefined in the embedded profile if the first start should make it. */
  readonly adminToken: string | undefined;
  /** Accepted beside `adminToken` while callers change to it. */
  readonly adminTokenNext: string | undefined;
  /** Risks that the operator has accepted. The service does not warn about them. */
  readonly allowInsecure: ReadonlySet<Risk>;
  /** Limits of the HTTP server. */
  readonly http: HttpConfig;
  /** How tokens of callers are judged; undefined: the service takes none. */
  readonly jwt: JwtConfig | undefined;
  /** Limits of claims. */
  readonly rates: RateLimits;
  readonly entry: EntryConfig;
  readonly logLevel: LogLevel;
  /** Undefined means pretty if standard output is a terminal, and json otherwise. */
  readonly logFormat: LogFormat | undefined;
  readonly accessLog: AccessLog;
  /** undefined: nothing is traced. */
  readonly tracing: TracingConfig | undefined;
}

/** The configuration of the distributed profile, in which the addresses are always set. */
export type DistributedConfig = AppConfig & { readonly redisUrl: string; readonly databaseUrl: string };

/** The parsed configuration, as a class so that Nest can inject it. {@link parseEnv} makes it. */
export class AppConfig implements Env {
  readonly profile!: Profile;
  readonly roles!: ReadonlySet<Role>;
  readonly host!: string;
  readonly port!: number;
  readonly admin!: AdminListenerConfig | undefined;
  readonly docs!: boolean;
  readonly pages!: boolean;
  readonly twoPerson!: boolean;
  readonly identity!: Identity;
  readonly dataDir!: string;
  readonly redisUrl!: string | undefined;
  readonly kafka!: KafkaConfig;
  readonly databaseUrl!: string | undefined;
  readonly databaseSsl!: boolean;
  readonly migrateOnStart!: boolean;
  readonly defaultCampaignTotal!: number;
  readonly failedEventRetentionMs!: number;
  readonly refusalsKeptPerSecond!: number;
  readonly refusalRetentionMs!: number;
  readonly closeAfterEndMs!: number | null;
  readonly gateRetentionMs!: number | null;
  readonly adminToken!: string | undefined;
  readonly adminTokenNext!: string | undefined;
  readonly allowInsecure!: ReadonlySet<Risk>;
  readonly http!: HttpConfig;
  readonly jwt!: JwtConfig | undefined;
  readonly rates!: RateLimits;
  readonly entry!: EntryConfig;
  readonly logLevel!: LogLevel;
  readonly logFormat!: LogFormat | undefined;
  readonly accessLog!: AccessLog;
  readonly tracing!: TracingConfig | undefined;

  constructor(env: Env) {
    Object.assign(this, env);
  }

  /** Narrows the addresses to strings. {@link parseEnv} guarantees them in this profile. */
  isDistributed(): this is DistributedConfig {
    return this.profile === 'distributed';
  }
}

/** Offices and carriers share addresses, and each caller needs one or two calls. */
const ENTRY_RATE: Rate = { count: 300, windowMs: 60_000 };
/** With `key`, one server calls for all users. */
const DEFAULT_ENTRY_RATE: Readonly<Record<Identity, Rate | null>> = { open: ENTRY_RATE, jwt: ENTRY_RATE, key: null };

/**
 * Reads the configuration once.
 *
 * @param source the variables; an empty value counts as not set.
 * @throws ConfigurationError with one line per mistake: the variable, what was expected, what was given.
 */
export function parseEnv(source: Source): AppConfig {
  const { values, fromFile, refused } = withSecretFiles(withoutEmpty(source));
  const mistakes = new Map<string, string>();
  for (const [name, expectation] of refused) mistakes.set(name, `${name}_FILE: expected ${expectation}`);
  /** Keeps the first mistake of each variable: further ones often follow from it. */
  const refuse = (name: string, expectation: string): void => {
    if (mistakes.has(name)) return;
    const isFile = fromFile.has(name);
    const line = `${name}${isFile ? '_FILE' : ''}: expected ${expectation}; ${given(name, values[name], isFile)}`;
    mistakes.set(name, line);
  };
  const parsed = variables.safeParse(values);
  for (const { path, message } of parsed.error?.issues ?? []) refuse(String(path[0]), message);
  findContradictions(values, refuse);
  const jwt = readJwtConfig(values, refuse);
  if (!parsed.success || mistakes.size > 0) throw new ConfigurationError([...mistakes.values()]);

  const env = parsed.data;
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  return new AppConfig({
    profile: env.PROFILE,
    roles: env.ROLES,
    host: env.HOST,
    port: env.PORT,
    admin:
      env.ADMIN_PORT === undefined
        ? undefined
        : {
            host: env.ADMIN_HOST ?? env.HOST,
            port: env.ADMIN_PORT,
            behindProxies: env.ADMIN_TRUST_PROXY === 'same',
          },
    docs: env.DOCS,
    pages: env.PAGES,
    twoPerson: env.TWO_PERSON,
    identity: env.IDENTITY,
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
    failedEventRetentionMs: env.FAILED_EVENT_RETENTION,
    refusalsKeptPerSecond: env.REFUSALS_KEPT_PER_SECOND,
    refusalRetentionMs: env.REFUSAL_RETENTION,
    closeAfterEndMs: env.CLOSE_AFTER_END,
    gateRetentionMs: env.GATE_RETENTION,
    adminToken: env.ADMIN_TOKEN,
    adminTokenNext: env.ADMIN_TOKEN_NEXT,
    allowInsecure: env.ALLOW_INSECURE,
    http: {
      maxInflightPerConnection: env.MAX_INFLIGHT_PER_CONNECTION,
      maxConnections: env.MAX_CONNECTIONS,
      maxConnectionsPerAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
      keepAliveMs: env.KEEP_ALIVE_MS,
      readConcurrency: env.READ_CONCURRENCY,
      maxWatchers: env.LIVE_MAX_WATCHERS,
      trustedProxies: env.TRUST_PROXY,
      basePath: env.BASE_PATH ?? '',
      corsOrigins: env.CORS_ORIGINS ?? null,
    },
    jwt,
    rates: {
      user: env.RATE_LIMIT_USER === undefined ? userRateOf(env.IDENTITY) : env.RATE_LIMIT_USER,
      address: env.RATE_LIMIT_IP,
      totalPerSecond: env.RATE_LIMIT_TOTAL,
    },
    entry: {
      rateLimit: env.ENTRY_RATE_LIMIT === undefined ? DEFAULT_ENTRY_RATE[env.IDENTITY] : env.ENTRY_RATE_LIMIT,
      turnstile:
        env.TURNSTILE_SECRET === undefined ? undefined : { url: env.TURNSTILE_URL, secret: env.TURNSTILE_SECRET },
      challengeFailsOpen: env.CHALLENGE_FAIL === 'open',
    },
    logLevel: env.LOG_LEVEL,
    logFormat: env.LOG_FORMAT,
    accessLog: env.ACCESS_LOG,
    tracing: readTracingConfig(env, values),
  });
}

/**
 * A token names one user, and people do not press a button more often than this. With `open` any caller could use up the
 * limit of another user, and a server that claims for its users has its own rules.
 */
function userRateOf(identity: Identity): Rate | null {
  return identity === 'jwt' ? { count: 10, windowMs: 10_000 } : null;
}

/** `docker compose` and `env VAR=` give an empty value to a variable that the operator left out. */
function withoutEmpty(source: Source): Source {
  return Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value.trim() !== ''));
}
