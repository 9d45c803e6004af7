import request from 'supertest';
import { ulid } from 'ulid';
import { ADMIN_TOKEN } from './service.js';
import { until } from './until.js';

/** A server that was frozen may be waited for; the test's own deadline comes long before. */
const TIMEOUT_MS = 300_000;

/** The service has done nothing: the request had not come whole in its time, or too many reads waited. */
const NOT_EXECUTED: ReadonlySet<unknown> = new Set(['request-timeout', 'busy']);
/** Nobody knows yet what becomes of the claim. */
const UNDECIDED: ReadonlySet<unknown> = new Set(['issuer-unavailable', 'claim-unconfirmed', 'request-timeout']);

/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Bodies are compared with matchers, field by field.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** Calls the service as its users do; several addresses in turn, as a load balancer would. */
export class Client {
  private readonly urls: readonly string[];
  private readonly headers: Readonly<Record<string, string>>;
  private calls = 0;
  /** The address that the last call went to. */
  lastAsked = '';

  constructor(...urls: readonly string[]) {
    this.urls = urls;
    this.headers = {};
  }

  /**
   * The same with a connection of its own for every call. A server that ends closes idle connections, and a call that is
   * written to one at that moment fails as if it had been taken.
   */
  withFreshConnections(): Client {
    return Object.assign(new Client(...this.urls), { headers: { connection: 'close' } });
  }

  send(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const url = this.urls[this.calls++ % this.urls.length] as string;
    this.lastAsked = url;
    const answer = this.ask(url, method, path, options);
    // A test that failed leaves calls behind. Their refusals, once the service is gone, are nobody's: unhandled, they would
    // end Jest without a word about the test. Whoever awaits the call still gets its error.
    answer.catch(() => undefined);
    return answer;
  }

  private async ask(
    url: string,
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer> {
    const call = request(url)
      [method.toLowerCase() as 'post'](path)
      .timeout(TIMEOUT_MS)
      .redirects(0)
      .set(this.headers)
      .set(options.body === undefined ? {} : { 'content-type': 'application/json' })
      .set(options.headers ?? {});
    // As text, or what is no object would not be taken for JSON.
    const response = await (options.body === undefined ? call : call.send(JSON.stringify(options.body)));
    const headers = new Headers(response.headers as Record<string, string>);
    const json = /[/+]json\b/.test(headers.get('content-type') ?? '');
    return { status: response.status, headers, body: json ? response.body : (response.text ?? '') };
  }

  /**
   * {@link send} until the service has done something: on a machine that stalls, a request may come in too late or wait
   * too long for its turn.
   */
  private sendUntilExecuted(...call: Parameters<Client['send']>): Promise<Answer> {
    return askAgain(NOT_EXECUTED, () => this.send(...call));
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.sendUntilExecuted('GET', path, { headers });
  }

  /** One press of the button. The answer may be a 503, wherever the machine stalls; see {@link claim}. */
  apply(userId: string | number, campaignId?: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('POST', '/api/coupons/apply', {
      body: campaignId === undefined ? { userId } : { userId, campaignId },
      headers,
    });
  }

  /**
   * {@link apply} until the claim is decided, as an honest caller does: on a machine that stalls, the service promises
   * nothing that it could not make durable in time. The Idempotency-Key has a claim that counted all the same answered
   * with its own 202.
   */
  claim(userId: string | number, campaignId?: string, headers: Record<string, string> = {}): Promise<Answer> {
    const all = { 'idempotency-key': ulid(), ...headers };
    return askAgain(UNDECIDED, () => this.apply(userId, campaignId, all));
  }

  /** The status of a claim. A caller who got the 202 knows its id, and is shown the id and the code too. */
  claimStatus(campaignId: string, userId: string | number, claimId?: string): Promise<Answer> {
    const proof: Record<string, string> = claimId === undefined ? {} : { 'x-claim-id': claimId };
    return this.get(`/api/campaigns/${campaignId}/claims/${userId}`, proof);
  }

  /** A call with the admin token. */
  admin(
    method: string,
    path: string,
    options: { body?: unknown; ifMatch?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    return this.sendUntilExecuted(method, path, {
      body: options.body,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        ...(options.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
        ...options.headers,
      },
    });
  }

  async createCampaign(total: number, more: Record<string, unknown> = {}): Promise<string> {
    const { status, body } = await this.admin('POST', '/api/admin/campaigns', {
      body: { name: `campaign of ${total}`, total, ...more },
    });
    if (status !== 201) throw new Error(`campaign not created: ${status} ${JSON.stringify(body)}`);
    return body.id as string;
  }

  async audit(campaignId: string): Promise<Answer['body']> {
    return (await this.admin('GET', `/api/admin/campaigns/${campaignId}/audit`)).body;
  }
}

/** Asks until the answer has none of these codes. */
function askAgain(codes: ReadonlySet<unknown>, ask: () => Promise<Answer>): Promise<Answer> {
  return until(`an answer other than ${[...codes].join(', ')}`, async () => {
    const answer = await ask();
    return codes.has(answer.body?.code) ? null : answer;
  });
}

/**
 * True for the error of a call whose connection was refused: nothing of it was sent. A port that closes at this moment
 * resets who is still connecting, which is the same to a caller.
 */
export function isRefused(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'connect' && (code === 'ECONNREFUSED' || code === 'ECONNRESET');
}

/** Runs `work` for every item, at most `width` at once. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      while (next < items.length) {
        const index = next++;
        results[index] = await work(items[index] as T);
      }
    }),
  );
  return results;
}

/** How often each value occurs. */
export function tally(values: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
