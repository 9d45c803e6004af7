import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { Client } from '../../support/client.js';
import { request, type RawResponse, text } from '../../support/raw-http.js';
import { type ProblemBody, refused } from '../../support/refusal.js';
import { ADMIN_TOKEN, type Service, startService } from '../../support/service.js';

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export const HOUR = 3_600_000;
export const at = (offset: number) => new Date(Date.now() + offset).toISOString();

export const APPLY = '/api/coupons/apply';
export const ENTRY = '/api/campaigns/default/entry';
export const JSON_TYPE = { 'Content-Type': 'application/json' };
export const TOKEN = { Authorization: `Bearer ${ADMIN_TOKEN}` };

/** Every answer of a route, for the comparison with the OpenAPI document. */
export const seen: {
  method: string;
  path: string;
  status: number;
  code: string | undefined;
  headers: RawResponse['headers'];
}[] = [];

export let service: Service;
export let client: Client;
export let port: number;

beforeAll(async () => {
  // So that a call can name its address; see fromAnotherAddress.
  service = await startService({ TRUST_PROXY: '1' });
  client = new Client(service.url);
  port = Number(new URL(service.url).port);
});
afterAll(() => service.stop());

/** The taken slots of `default`. They are compared after each test, so that only a test that took a slot fails. */
let taken = 0;

/** No test may take a slot of the campaign that is used when a claim names none. */
afterEach(async () => {
  const before = taken;
  taken = (await client.audit('default')).gate;
  expect(taken).toBe(before);
});

let addresses = 0;

/** A call with wrong credentials comes from an address of its own, because the service slows an address that guesses. */
export const fromAnotherAddress = (): Record<string, string> => {
  addresses += 1;
  return { 'X-Forwarded-For': `10.0.${addresses >> 8}.${addresses & 255}` };
};

export function note(method: string, path: string, { status, headers, body }: RawResponse): void {
  const code = /"code":"([^"]+)"/.exec(body)?.[1];
  seen.push({ method, path: path.split('?')[0] ?? '', status, code: status < 400 ? undefined : code, headers });
}

export async function send(method: string, path: string, call: Call = {}): Promise<RawResponse> {
  const response = await request([text(`${method} ${path}`, call.headers, call.body)], { port });
  note(method, path, response);
  return response;
}

export const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  send('POST', path, { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });

/** Expects the refusal of a request that was understood as far as its path. */
export function refusedAt(path: string, response: RawResponse, status: number, code: string): ProblemBody {
  const body = refused(response, status, code);
  expect(body.instance).toBe(path.split('?')[0]);
  return body;
}

/** Expects validation-failed with these pointers. */
export function invalid(path: string, response: RawResponse, pointers: string[], part = 'body'): void {
  const { errors } = refusedAt(path, response, 400, 'validation-failed');
  expect(errors.map((error: { pointer: string }) => error.pointer)).toEqual(pointers);
  for (const error of errors) expect(error).toMatchObject({ in: part, detail: expect.stringMatching(/[가-힣]/) });
}
