import { Logger } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { userTokenIn } from '../../identity/user-token.js';
import { callerAddress } from '../connections/caller-address.js';
import { pathOf } from '../problem/problem.js';

/** An address causes a log line at most once in this time, ms. */
const QUIET_MS = 60_000;
/** How many addresses are remembered. All further addresses share one place, and so one line a minute. */
const MAX_ADDRESSES = 1_000;
const ALL_OTHERS = 'others';

/** The console asks here whether its browser is signed in: a 401 is its answer, and no refusal. */
const SESSION = '/api/admin/session';

/** What is remembered about an address. */
interface Caller {
  /** When it may cause a line again: monotonic, ms. */
  readonly quietUntil: number;
  /** Refusals since its last line. */
  readonly unsaid: number;
}

/** A credential that is not the token of a user may be a guess. */
function isGuess(authorization: string | undefined): boolean {
  return authorization !== undefined && userTokenIn(authorization) === undefined;
}

/**
 * Counts refused admin calls and refused keys, and logs their addresses, without filling the log or the memory. The path
 * of a call of the drop may hold a user's id, so the log has its route alone.
 */
export class AdminRefusals {
  private readonly logger = new Logger('AdminGuard');
  private readonly callers = new Map<string, Caller>();
  private readonly refusals = new Counter({
    name: 'coupon_admin_refusals_total',
    help: 'Admin calls that were refused, by whether they brought no token, a wrong one, or one that was not looked at',
    labelNames: ['reason'],
    registers: [],
  });

  /** @param now monotonic, ms. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  exportTo(registry: Registry): void {
    for (const reason of ['no_token', 'wrong_token', 'slowed']) this.refusals.inc({ reason }, 0);
    registry.registerMetric(this.refusals);
  }

  /**
   * A user without a token, or with one that is not right, is neither an operator nor a guess.
   * @param slowed the credential was not looked at, because its address has guessed too often.
   */
  record(
    request: Pick<FastifyRequest, 'ip' | 'raw' | 'method' | 'url' | 'routeOptions' | 'id' | 'headers'>,
    slowed?: 'slowed',
  ): void {
    const { method, url, id, headers } = request;
    const route = request.routeOptions.url ?? null;
    const isAdminCall = route?.startsWith('/api/admin/') === true;
    if (method === 'GET' && route === SESSION && headers.authorization === undefined) return;
    if (slowed === undefined && !isAdminCall && !isGuess(headers.authorization)) return;
    const address = callerAddress(request);
    const reason = slowed ?? (headers.authorization === undefined ? 'no_token' : 'wrong_token');
    this.refusals.inc({ reason });
    const place = this.placeOf(address);
    const { quietUntil, unsaid } = this.callers.get(place) ?? { quietUntil: 0, unsaid: 0 };
    if (this.now() < quietUntil) {
      this.callers.set(place, { quietUntil, unsaid: unsaid + 1 });
      return;
    }
    // Put it behind the others, so that the map stays ordered by `quietUntil`.
    this.callers.delete(place);
    this.callers.set(place, { quietUntil: this.now() + QUIET_MS, unsaid: 0 });
    this.logger.warn({
      message: isAdminCall ? 'an admin call was refused' : 'a credential was refused',
      event: 'admin.refused',
      reason,
      address,
      method,
      route,
      ...(isAdminCall ? { path: pathOf(url) } : {}),
      requestId: id,
      // Refusals of this address since its last line.
      unsaid,
    });
  }

  private placeOf(address: string): string {
    if (this.callers.has(address)) return address;
    for (const [known, { quietUntil }] of this.callers) {
      if (quietUntil > this.now()) break;
      this.callers.delete(known);
    }
    return this.callers.size < MAX_ADDRESSES ? address : ALL_OTHERS;
  }
}
