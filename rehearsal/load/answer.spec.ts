import { describe, expect, it } from '@jest/globals';
import { claimIn, readAnswer, retryAfterMs, wordOf } from './answer.js';

const BODY = '{"code":"sold-out","final":true}';
const answer = (headers: string, body = BODY, status = '409 Conflict') =>
  `HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`;

describe('an answer', () => {
  const whole = answer(`content-length: ${BODY.length}`);

  it('is read when it is there as a whole, and not before', () => {
    for (let length = 0; length < whole.length; length++) expect(readAnswer(whole.slice(0, length))).toBeNull();
    expect(readAnswer(`${whole}HTTP/1.1 `)).toMatchObject({
      status: 409,
      body: BODY,
      last: false,
      length: whole.length,
    });
  });

  it('may have passed a proxy that writes names differently, or sends chunks', () => {
    expect(readAnswer(answer(`Content-Length:${BODY.length}`))?.body).toBe(BODY);
    const chunks = `5\r\n${BODY.slice(0, 5)}\r\n${(BODY.length - 5).toString(16)}\r\n${BODY.slice(5)}\r\n0\r\n\r\n`;
    const chunked = answer('Transfer-Encoding: chunked', chunks);
    expect(readAnswer(chunked)).toMatchObject({ body: BODY, length: chunked.length });
    expect(readAnswer(chunked.slice(0, -2))).toBeNull();
  });

  it('may come after an interim one, and may be the last of its connection', () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\n\r\n';
    const last = answer(`content-length: ${BODY.length}\r\nconnection: close`);
    expect(readAnswer(interim + last)).toMatchObject({ last: true, length: interim.length + last.length });
  });

  it.each([['SSH-2.0-OpenSSH\r\n\r\n'], ['HTTP/1.1 abc\r\n\r\n'], [answer('x: y')]])('is not %j', (bytes) => {
    expect(() => readAnswer(bytes)).toThrow();
  });

  it('has a word: status and code', () => {
    expect(wordOf({ status: 409, body: BODY })).toBe('409 sold-out');
    expect(wordOf({ status: 202, body: '{"code":"x"}' })).toBe('202');
    expect(wordOf({ status: 502, body: '<html>' })).toBe('502');
  });

  it('names the claim: its own, or the one that counts', () => {
    const claim = { claimId: 'c', sequence: 4, claimedAt: '2026-12-01T00:00:00.004Z' };
    const read = { claimId: 'c', sequence: 4, claimedAt: Date.UTC(2026, 11, 1, 0, 0, 0, 4) };
    expect(claimIn({ body: JSON.stringify({ status: 'success', ...claim }) })).toEqual(read);
    expect(claimIn({ body: JSON.stringify({ code: 'already-claimed', claim }) })).toEqual(read);
    expect(claimIn({ body: '<html>' })).toBeUndefined();
  });

  it('may say when to come back', () => {
    expect(retryAfterMs({ head: 'HTTP/1.1 503 x\r\nRetry-After: 2\r\nx: y' })).toBe(2_000);
    expect(retryAfterMs({ head: 'HTTP/1.1 503 x' })).toBe(0);
  });
});
