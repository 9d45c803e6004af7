import { describe, expect, it } from '@jest/globals';
import { type ProblemCode, PROBLEMS } from './problem-catalogue.js';
import { carriesProblemCode, pathOf, Problem, problemBody } from './problem.js';

describe('a problem', () => {
  it.each(Object.keys(PROBLEMS) as ProblemCode[])('%s is complete in both languages', (code) => {
    for (const language of ['ko', 'en'] as const) {
      const body = JSON.parse(
        problemBody(code, language, '/a"b<i>%22', 'id-1', { claimId: 'c', startsAt: undefined }),
      ) as object;
      expect(body).toEqual({
        type: `urn:coupon:problem:${code}`,
        title: PROBLEMS[code].title[language],
        status: PROBLEMS[code].status,
        detail: PROBLEMS[code].detail[language],
        instance: '/a%22b%3Ci%3E%22',
        code,
        requestId: 'id-1',
        claimId: 'c',
      });
    }
    expect(PROBLEMS[code].detail.ko).toMatch(/[가-힣].*\.$/);
    expect(PROBLEMS[code].detail.en).toMatch(/^[ -~]+\.$/);
  });

  it('can have a detail of its own, in both languages', () => {
    const detail = { ko: '다른 설명.', en: 'Another detail.' };
    const bodies = (['ko', 'en'] as const).map((language) =>
      problemBody('bad-request', language, '/', 'id', { detail }),
    );
    expect(bodies.map((body) => (JSON.parse(body) as { detail: string }).detail)).toEqual([detail.ko, detail.en]);
    // No member is there twice.
    expect(bodies.map((body) => body.split('"detail"').length)).toEqual([2, 2]);
  });

  it.each([
    ['/a/b?user=x', '/a/b'],
    ['/a#b', '/a'],
    ['/', '/'],
    ['*', '*'],
    ['http://user:secret@host/a?b', '/a'],
    ['HTTPS://user:secret@host', ''],
    ['http://user:secret@host?b', ''],
    ['user:secret@host', ''],
    ['user:secret@host/a', ''],
    ['?secret', ''],
    [
      '/api/admin/keys/cpn_admin_01KBA0Z9M0Q3V5H8N2R4T6W8YA_9LrD2mVhY5cJf8GsPuE3a9LrD2mVhY5cJf8GsPuE3a/x',
      '/api/admin/keys/cpn_admin_01KBA0Z9M0Q3V5H8N2R4T6W8YA_***/x',
    ],
    [
      '/api/admin/keys/CPN_admin_01kba0z9m0q3v5h8n2r4t6w8ya_9LrD2',
      '/api/admin/keys/CPN_admin_01kba0z9m0q3v5h8n2r4t6w8ya_***',
    ],
    ['', ''],
  ])('shows of the target %s the path alone: %s', (target, path) => {
    expect(pathOf(target)).toBe(path);
    const body = JSON.parse(problemBody('not-found', 'en', pathOf(target), 'id')) as { instance?: string };
    expect(body.instance).toBe(path === '' ? undefined : path);
  });

  it('has Retry-After if waiting helps', () => {
    for (const [code, kind] of Object.entries(PROBLEMS)) {
      const helps = kind.status === 503 || kind.status === 429 || code === 'backup-under-way';
      expect([code, 'retryAfter' in kind]).toEqual([code, helps]);
    }
  });

  it('is an error without a stack, and leaves other errors their stacks', () => {
    const problem = new Problem('sold-out', { headers: { location: '/' } });
    expect(problem).toBeInstanceOf(Error);
    expect([problem.status, problem.message, problem.stack]).toEqual([409, 'sold-out', 'Problem: sold-out']);
    expect(new Error('other').stack).toContain('problem.spec');
  });

  it('is recognised in an error of another layer by one property', () => {
    expect(carriesProblemCode(Object.assign(new Error(), { problemCode: 'database-unavailable' }))).toBe(true);
    for (const thrown of [new Error(), { problemCode: 'toString' }, { problemCode: 503 }, null, 'sold-out']) {
      expect(carriesProblemCode(thrown)).toBe(false);
    }
  });
});
