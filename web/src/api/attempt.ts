import { type Problem } from './client.ts';

/** Why a call was not done. */
export type Failure =
  /** The service has refused it, and says why; `retryAfter`: when it may be tried again, seconds. */
  | { readonly kind: 'refused'; readonly problem: Problem; readonly retryAfter?: number }
  /** There was no answer, or none of this service: the network, a proxy, or a service that is stopped. */
  | { readonly kind: 'unreachable'; readonly at: number; readonly status: number | null };

export type Outcome<Data> =
  | { readonly ok: true; readonly data: Data; readonly response: Response }
  | { readonly ok: false; readonly failure: Failure };

/** Awaits a call of `api`. Never rejects: every page has to show what went wrong. */
export async function attempt<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Outcome<Data>> {
  try {
    const { data, error, response } = await call;
    if (response.ok) return { ok: true, data: data as Data, response };
    if (isProblem(error)) return { ok: false, failure: { kind: 'refused', problem: error, ...waitOf(response) } };
    return { ok: false, failure: { kind: 'unreachable', at: Date.now(), status: response.status } };
  } catch {
    return { ok: false, failure: { kind: 'unreachable', at: Date.now(), status: null } };
  }
}

/** What the API said of one value of a form: `mistakeAt(failure, '/endsAt')`. */
export function mistakeAt(failure: Failure | null, pointer: string): string | undefined {
  if (failure?.kind !== 'refused') return undefined;
  return failure.problem.errors?.find((error) => error.pointer === pointer)?.detail;
}

export function codeOf(failure: Failure | null): string | null {
  return failure?.kind === 'refused' ? failure.problem.code : null;
}

/** Retry-After, in seconds. */
function waitOf({ headers }: Response): { readonly retryAfter?: number } {
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfter: seconds } : {};
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'title' in error;
}
