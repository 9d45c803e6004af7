import { isIP, isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { MAX_CAMPAIGN_TOTAL } from '../../domain/campaign.js';
import { corsVariable } from './cors-variable.js';
import { jwtVariables } from './jwt-config.js';
import { perSecondVariable, rateVariable } from './rate-variable.js';
import { RISKS } from './risks.js';
import { tracingVariables } from '../tracing/tracing-variables.js';

/** Variables by name, in the form of `process.env`. */
export type Source = Readonly<Record<string, string | undefined>>;

/** null: none. A number: so many proxies, one behind the other. A list: their addresses and networks. */
export type TrustedProxies = number | readonly string[] | null;

/** What a process can run. */
export const ROLES = ['api', 'consumer', 'retry'] as const;

/** Who says who the user of a claim is. */
export const IDENTITIES = ['open', 'key', 'jwt'] as const;

/**
 * Variables that hold secrets. Their values never appear in a message, and `<NAME>_FILE` can name a file that holds the
 * value.
 */
export const SECRETS = [
  'REDIS_URL',
  'DATABASE_URL',
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'ADMIN_TOKEN',
  'ADMIN_TOKEN_NEXT',
  'TURNSTILE_SECRET',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const;

/** Decimal digits only. Number() alone would accept 1e3, 0x10 and blanks. */
const integer = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `an integer from ${min} to ${max}`,
    })
    .transform(Number);

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A number with a unit, such as 30d, as ms. */
const duration = (form: string, minMs: number, maxMs: number) => {
  const msOf = (text: string): number => {
    const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
    return Number(count) * (UNITS[unit] ?? NaN);
  };
  return z
    .string()
    .refine((text) => msOf(text) >= minMs && msOf(text) <= maxMs, { error: form })
    .transform(msOf);
};

/** As {@link duration}; null for `never`. */
const durationOrNever = z
  .string()
  .regex(/^(?:\d{1,5}[smhd]|never)$/, {
    error: 'a number with s, m, h or d behind it, such as 90s, 1h or 30d; or never',
  })
  .transform((text) => (text === 'never' ? null : Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? NaN)));

const flag = z.stringbool({ truthy: ['true', '1', 'on'], falsy: ['false', '0', 'off'], error: 'true or false' });

const itemsOf = (text: string): string[] => text.split(',').map((item) => item.trim());

const listOf = <Item extends string>(choices: readonly Item[]) => {
  const isChoice = (item: string): item is Item => choices.some((choice) => choice === item);
  return z
    .string()
    .refine((text) => itemsOf(text).every(isChoice), { error: `a list out of ${choices.join(', ')}` })
    .transform((text): ReadonlySet<Item> => new Set(itemsOf(text).filter(isChoice)));
};

/**
 * True for a name, an IPv4 or an IPv6 address. A text that looks like an address has to be one, or the service would
 * keep asking DNS for it.
 */
function isHost(text: string): boolean {
  if (text.includes(':')) return isIPv6(text);
  return /^[\d.]+$/.test(text) ? isIPv4(text) : /^[A-Za-z0-9._-]{1,253}$/.test(text);
}

/** True for host:port without an IPv6 address: kafkajs takes everything before the first colon as the host. */
function isBroker(text: string): boolean {
  const [, host = '', port = ''] = /^([^:]+):(\d{1,5})$/.exec(text) ?? [];
  return isHost(host) && Number(port) >= 1 && Number(port) <= 65_535;
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The URL of a server. Every part of an accepted URL reaches the client library unchanged; otherwise the error names
 * the part that would not.
 */
const serverUrl = (form: string, protocols: readonly string[], whyRefused: (url: URL) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const why = (): string | undefined => {
      // Node's parser drops line breaks and blanks at the ends. Client libraries may not.
      if (/\s/.test(text) || !URL.canParse(text)) return `${form}, with other characters percent-encoded`;
      const url = new URL(text);
      if (!protocols.includes(url.protocol)) return form;
      if (!isHost(url.hostname.replace(/^\[(.+:.+)\]$/, '$1'))) {
        return `${form}, with a name or an address for the host`;
      }
      if (url.port === '0') return `${form}, with a port from 1 to 65535`;
      if (url.hash !== '' || text.includes('#')) return `${form}, without a fragment (# is written %23)`;
      if (![url.username, url.password].every(isPercentEncoded)) {
        return `${form}, with user and password percent-encoded (% is written %25)`;
      }

      return whyRefused(url);
    };
    const error = why();
    if (error !== undefined) context.addIssue({ code: 'custom', message: error });
  });

const REDIS_FORM = 'redis://user:password@host:port/database, or rediss:// for TLS';

/** ioredis reads a query as options, which would override the settings that the gate needs. */
function whyRedisUrlRefused(url: URL): string | undefined {
  if (url.search !== '' || url.href.includes('?')) return `${REDIS_FORM}, without a query`;
  if (url.username !== '' && url.password === '') {
    return `${REDIS_FORM}, with a password behind the user (redis://:password@host without a user)`;
  }

  return /^(?:\/|\/(?:0|[1-9]\d{0,4}))?$/.test(url.pathname)
    ? undefined
    : `${REDIS_FORM}, where the database is a number such as 0, or left out`;
}

const DATABASE_FORM = 'mysql://user:password@host:port/database';

/** Refuses a query. mysql2 would not get it, so an operator who writes `?ssl-mode=REQUIRED` would have no TLS. */
function whyDatabaseUrlRefused(url: URL): string | undefined {
  if (url.search !== '' || url.href.includes('?')) {
    return `${DATABASE_FORM}, without a query (TLS is DATABASE_SSL=true)`;
  }

  if (url.username === '') return `${DATABASE_FORM}, with a user`;
  const name = url.pathname.slice(1);
  return isPercentEncoded(name) && /^[^/\\.\0]{1,64}$/u.test(decodeURIComponent(name))
    ? undefined
    : `${DATABASE_FORM}, with the name of one database and no further slash behind the port`;
}

/** Visible ASCII, because an Authorization header has to carry the token unchanged. */
const adminToken = z
  .string()
  .regex(/^[\x21-\x7e]{16,512}$/, { error: '16 to 512 printable ASCII characters without spaces' });

/** Where Turnstile tokens are judged. The secret goes there, so plain HTTP is for a stand-in on this machine only. */
const turnstileUrl = z.string().refine(
  (text) => {
    if (/\s/.test(text) || !URL.canParse(text)) return false;
    const { protocol, hostname, username, hash } = new URL(text);
    const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
    return (protocol === 'https:' || (protocol === 'http:' && isLocal)) && username === '' && hash === '';
  },
  { error: 'an https:// URL (http:// on this machine only)' },
);

/** True for an address, or a network such as 10.0.0.0/8. */
function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128)));
}

/** Proxies in front of the service: how many, or their addresses. */
const trustedProxies = z
  .string()
  .refine((text) => text === 'off' || /^[1-9]\d?$/.test(text) || itemsOf(text).every(isNetwork), {
    error: 'off, a number of proxies from 1 to 99, or addresses and networks separated by commas',
  })
  .transform((text): TrustedProxies => {
    if (text === 'off') return null;
    return /^\d+$/.test(text) ? Number(text) : itemsOf(text);
  });

/** Every variable with its form and its default. `contradictions.ts` checks variables against each other. */
export const variables = z.object({
  PROFILE: z.enum(['embedded', 'distributed'], { error: 'embedded or distributed' }).default('embedded'),
  ROLES: listOf(ROLES).default(new Set(ROLES)),
  HOST: z.string().refine(isHost, { error: 'an address or a host name' }).default('127.0.0.1'),
  PORT: integer(0, 65_535).default(3000),
  ADMIN_HOST: z.string().refine(isHost, { error: 'an address or a host name' }).optional(),
  ADMIN_PORT: integer(0, 65_535).optional(),
  DOCS: flag.default(true),
  PAGES: flag.default(true),
  TWO_PERSON: flag.default(false),
  IDENTITY: z.enum(IDENTITIES, { error: 'open, key or jwt' }).default('open'),
  DATA_DIR: z
    .string()
    .refine((path) => !path.startsWith('~'), { error: 'a path; only a shell knows ~' })
    .default('./data'),
  REDIS_URL: serverUrl(REDIS_FORM, ['redis:', 'rediss:'], whyRedisUrlRefused).optional(),
  KAFKA_BROKERS: z
    .string()
    .refine((text) => itemsOf(text).every(isBroker), { error: 'host:port, several separated by commas' })
    .transform(itemsOf)
    .optional(),
  KAFKA_TOPIC: z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, {
      error: '1 to 249 letters, digits, dots, underscores or hyphens, and not only a dot or two',
    })
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
  DATABASE_URL: serverUrl(DATABASE_FORM, ['mysql:'], whyDatabaseUrlRefused).optional(),
  DATABASE_SSL: flag.default(false),
  MIGRATE_ON_START: flag.default(true),
  DEFAULT_CAMPAIGN_TOTAL: integer(1, MAX_CAMPAIGN_TOTAL).default(100),
  FAILED_EVENT_RETENTION: duration('a time from 1h to 3650d, such as 30d or 12h', 3_600_000, 3650 * 86_400_000).default(
    30 * 86_400_000,
  ),
  REFUSALS_KEPT_PER_SECOND: integer(0, 100_000).default(2_000),
  REFUSAL_RETENTION: duration('a time from 1h to 3650d, such as 30d or 12h', 3_600_000, 3650 * 86_400_000).default(
    30 * 86_400_000,
  ),
  CLOSE_AFTER_END: durationOrNever.default(86_400_000),
  GATE_RETENTION: durationOrNever.default(3_600_000),
  ADMIN_TOKEN: adminToken.optional(),
  ADMIN_TOKEN_NEXT: adminToken.optional(),
  ALLOW_INSECURE: listOf(RISKS).default(new Set()),
  MAX_INFLIGHT_PER_CONNECTION: integer(1, 10_000).default(16),
  MAX_CONNECTIONS: integer(1, 1_000_000).optional(),
  MAX_CONNECTIONS_PER_ADDRESS: integer(0, 1_000_000).default(0),
  KEEP_ALIVE_MS: integer(1000, 3_600_000).default(65_000),
  READ_CONCURRENCY: integer(1, 1000).default(8),
  LIVE_MAX_WATCHERS: integer(0, 1_000_000).default(10_000),
  TRUST_PROXY: trustedProxies.default(null),
  ADMIN_TRUST_PROXY: z.enum(['off', 'same'], { error: 'off, or same for what TRUST_PROXY says' }).default('off'),
  ...jwtVariables,
  CORS_ORIGINS: corsVariable.optional(),
  RATE_LIMIT_USER: rateVariable.optional(),
  RATE_LIMIT_IP: rateVariable.default(null),
  RATE_LIMIT_TOTAL: perSecondVariable.default(null),
  ENTRY_RATE_LIMIT: rateVariable.optional(),
  TURNSTILE_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, { error: 'up to 512 printable ASCII characters without spaces' })
    .optional(),
  TURNSTILE_URL: turnstileUrl.default('https://challenges.cloudflare.com/turnstile/v0/siteverify'),
  CHALLENGE_FAIL: z.enum(['closed', 'open'], { error: 'closed or open' }).default('closed'),
  BASE_PATH: z
    .string()
    .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/, {
      error: 'a path such as /coupons, without a slash at its end',
    })
    .optional(),
  ...tracingVariables,
  LOG_FORMAT: z.enum(['json', 'pretty'], { error: 'json or pretty' }).optional(),
  ACCESS_LOG: z.enum(['off', 'errors', 'all'], { error: 'off, errors or all' }).default('off'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'verbose'], {
      error: 'fatal, error, warn, info, debug or verbose',
    })
    .default('info'),
});

/** Every variable that the service reads. `.env.example` documents exactly these. */
export const ENV_VARIABLES: readonly string[] = [
  ...Object.keys(variables.shape),
  ...SECRETS.map((name) => `${name}_FILE`),
];
