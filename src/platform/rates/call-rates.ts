import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { AppConfig } from '../config/env.js';
import { Clock } from '../flow/clock.js';
import { Entropy } from '../flow/entropy.js';
import { callerAddress } from '../http/connections/caller-address.js';
import { networkOf } from '../http/connections/network-of.js';
import { type ProblemHeaders } from '../http/problem/problem.js';
import { EarlyRefusals } from './early-refusals.metrics.js';
import { Gcra } from './gcra.js';
import { KeyedGcra } from './keyed-gcra.js';
import { type Rate } from './rate.js';

/**
 * How far claims may run ahead of RATE_LIMIT_TOTAL, ms. Sockets are read in turns of some ms, so claims that arrive evenly
 * are decided in small groups.
 */
const TOTAL_TOLERANCE_MS = 100;
/** A claim over the total is told to wait from 1 to this many seconds, at random, so that the crowd does not come back in one wave. */
const LONGEST_BUSY_S = 3;

/** A claim that is over a limit, and the headers of its answer. */
export interface RateRefusal {
  readonly code: 'too-many-requests' | 'busy';
  readonly headers: ProblemHeaders;
}

/** Counts the calls of keys of one kind, and says what a refused one is told. */
interface KeyedLimit {
  readonly calls: KeyedGcra;
  /** The field RateLimit-Policy. */
  readonly policy: string;
}

/**
 * Refuses claims before the gate: RATE_LIMIT_IP, RATE_LIMIT_USER, RATE_LIMIT_TOTAL. It counts in the memory of this
 * process alone. No promise rests on it: a claim that passes by mistake meets the gate.
 *
 * What is not configured has no table and costs one comparison.
 */
@Injectable()
export class CallRates {
  private readonly addresses: KeyedLimit | null;
  private readonly users: KeyedLimit | null;
  private readonly total: Gcra | null;

  constructor(
    { rates }: AppConfig,
    private readonly clock: Clock,
    private readonly entropy: Entropy,
    private readonly refusals: EarlyRefusals,
  ) {
    this.addresses = limitOf('address', rates.address, entropy);
    this.users = limitOf('user', rates.user, entropy);
    this.total = rates.totalPerSecond === null ? null : new Gcra(rates.totalPerSecond, TOTAL_TOLERANCE_MS);
  }

  /**
   * Ask it first, while nothing is known of the caller but the address: a flood must not reach what costs more.
   *
   * @returns null if the claim may go on.
   */
  checkAddress(request: FastifyRequest): RateRefusal | null {
    if (this.addresses === null) return null;
    return this.check('address', this.addresses, networkOf(callerAddress(request)));
  }

  /**
   * Ask it last, when the user is known and the claim is valid. The total comes behind the user's own limit: one user's
   * flood must not use up what this process lets in.
   *
   * @returns null if the claim may go on.
   */
  checkUser(userId: string): RateRefusal | null {
    const refusal = this.users === null ? null : this.check('user', this.users, userId);
    return refusal ?? (this.total === null ? null : this.checkTotal(this.total));
  }

  private check(reason: 'user' | 'address', { calls, policy }: KeyedLimit, key: string): RateRefusal | null {
    const waitMs = calls.waitFor(key, this.clock.monotonic());
    if (waitMs === 0) return null;
    this.refusals.count(reason);
    const seconds = Math.ceil(waitMs / 1_000);
    return {
      code: 'too-many-requests',
      headers: {
        'retry-after': String(seconds),
        ratelimit: `"${reason}";r=0;t=${seconds}`,
        'ratelimit-policy': policy,
      },
    };
  }

  private checkTotal(total: Gcra): RateRefusal | null {
    if (total.admits(this.clock.monotonic())) return null;
    this.refusals.count('total');
    const seconds = 1 + Math.floor(this.entropy.fraction() * LONGEST_BUSY_S);
    return { code: 'busy', headers: { 'retry-after': String(seconds) } };
  }
}

/** draft-ietf-httpapi-ratelimit-headers-11: a structured field, whose window is in seconds. */
function limitOf(name: 'user' | 'address', rate: Rate | null, entropy: Entropy): KeyedLimit | null {
  if (rate === null) return null;
  const policy = `"${name}";q=${rate.count};w=${rate.windowMs / 1_000}`;
  return { calls: new KeyedGcra(rate, entropy), policy };
}
