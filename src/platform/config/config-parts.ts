import { type Rate } from '../rates/rate.js';
import { type IDENTITIES, type ROLES, type TrustedProxies } from './variables.js';

/** Decides which adapters the process uses. */
export type Profile = 'embedded' | 'distributed';

/** A part of the service that a process can run. A process has at least one role. */
export type Role = (typeof ROLES)[number];

/**
 * Who says who the user of a claim is: the caller, unchecked (`open`); the server that shows an API key of the role
 * `issuer` (`key`); or the user's own token (`jwt`).
 */
export type Identity = (typeof IDENTITIES)[number];

/** The lowest level that is still written. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'verbose';

/** How log lines are written: json is one object a line, pretty is for people at a terminal. */
export type LogFormat = 'json' | 'pretty';

/** Which answers are logged: none, those of 400 and above, or all. */
export type AccessLog = 'off' | 'errors' | 'all';

/** A second port, for operators. */
export interface AdminListenerConfig {
  readonly host: string;
  readonly port: number;
  /** Do operators come through the proxies of TRUST_PROXY? Otherwise no header names their address. */
  readonly behindProxies: boolean;
}

/** How much of the HTTP server one caller, or all callers together, may use. */
export interface HttpConfig {
  /** How many requests of one connection may be under way. Further ones wait unread in its socket. */
  readonly maxInflightPerConnection: number;
  /** How many connections the process may have open; undefined means the limit of file descriptors less 256. */
  readonly maxConnections: number | undefined;
  /** How many connections one address may have open; 0 means no limit. */
  readonly maxConnectionsPerAddress: number;
  /** How long an idle connection stays open, ms. */
  readonly keepAliveMs: number;
  /** How many reads (everything but claims) may be under way. */
  readonly readConcurrency: number;
  /** How many callers may watch campaigns as a stream; 0: operators alone. */
  readonly maxWatchers: number;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: TrustedProxies;
  /**
   * The prefix that a proxy removes from the path, such as `/coupons`. Empty, or with a slash at the beginning and none
   * at the end.
   */
  readonly basePath: string;
  /** The origins whose pages may call the service; `*` is any; null: none. */
  readonly corsOrigins: readonly string[] | null;
}

/** How many claims are let on to the gate; null means any number. */
export interface RateLimits {
  /** Of one user. */
  readonly user: Rate | null;
  /** Of one address, or of one /64 of IPv6. */
  readonly address: Rate | null;
  /** Of all callers of this process. */
  readonly totalPerSecond: number | null;
}

/** What callers have to pass before a claim, where a campaign requires an entry. */
export interface EntryConfig {
  /** How often one address may ask for a challenge, and for a token; null: no limit. */
  readonly rateLimit: Rate | null;
  /** undefined: no campaign can use Turnstile. */
  readonly turnstile: { readonly url: string; readonly secret: string } | undefined;
  /** Gives out tokens while a challenge cannot be judged. */
  readonly challengeFailsOpen: boolean;
}

/** How kafkajs authenticates. No message about the configuration shows the password. */
export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

/** The settings of the claim log's brokers. `brokers` is empty in the embedded profile. */
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
