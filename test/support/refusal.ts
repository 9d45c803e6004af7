import { expect } from '@jest/globals';
import { exchange, type RawPiece, type RawResponse } from './raw-http.js';

/** Bodies are compared with matchers, field by field. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type ProblemBody = any;

/** Texts that a body may never show: paths of the code, SQL, names of keys. */
const INTERNALS =
  /\bat \S+ \(|\bat (?:file:|\/)|node_modules|\b(?:SELECT|INSERT|UPDATE|DELETE FROM|WHERE)\b|sqlite|typeorm|redis|kafka|mysql|coupon:\{|failed_events|stack/;

/** Expects this refusal, with everything that all refusals have in common. @returns its body. */
export function refused(
  response: RawResponse,
  status: number,
  code: string,
  language: 'ko' | 'en' = 'ko',
): ProblemBody {
  expect(response.body).not.toMatch(INTERNALS);
  const body = JSON.parse(response.body) as ProblemBody;
  expect([response.status, body.code]).toEqual([status, code]);
  expect(body).toMatchObject({
    type: `urn:coupon:problem:${code}`,
    title: expect.stringMatching(/\S/),
    status,
    detail: expect.stringMatching(/\S/),
    requestId: response.headers['x-request-id'],
  });
  expect(/[가-힣]/.test(body.title)).toBe(language === 'ko');
  expect(response.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'content-language': language,
    'x-request-id': expect.stringMatching(/^[\w.-]{1,64}$/),
    'x-content-type-options': 'nosniff',
  });
  expect(response.headers.vary?.toLowerCase()).toContain('accept-language');
  if (status === 503) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  return body;
}

/** Sends bytes, and expects one answer that announces the end of the connection, and that end. */
export async function lastWord(pieces: readonly RawPiece[], port: number): Promise<RawResponse> {
  const { responses, closed } = await exchange(pieces, { port });
  expect([responses.length, closed]).toEqual([1, true]);
  const [response] = responses;
  if (response === undefined) throw new Error('no answer');
  expect(response.headers.connection).toBe('close');
  return response;
}
