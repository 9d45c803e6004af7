import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isNormalTarget, originForm } from './request-target.js';

describe('a request target', () => {
  it.each([
    '/',
    '/api/coupons/apply',
    '/api/campaigns/01JZ8Q4V8Y6T4W1S3N5M7K9H2C/claims/user-1',
    '/api/users/a.b~c_d-e/coupons',
    '/api/users/auth0%7C5f7c/coupons',
    '/api/users/a@example.com/coupons',
    '/api/users/a%40example.com/coupons',
    "/!$&'()*+,;=:@",
    '/a/.b/..c/d./e../...',
    '/%EA%B0%80',
    '/%20%22%00',
    '//double//slash/',
    '/docs/?urls=x',
    '/x?limit=1&cursor=a_b-c.d',
    '/x?q=a+b%20c&%6Cimit=2',
    '/x?q={"a":[1]}|^`<>\\',
    '/x?../../etc&y=/a/./b?z',
    '/x?%41',
    '/x?',
  ])('may be %s', (target) => {
    expect([isNormalTarget(target), isNormalTarget(target)]).toEqual([true, true]);
  });

  it.each([
    ['nothing', ''],
    ['a name', 'metrics'],
    ['an asterisk', '*'],
    ['a dot segment', '/docs/../metrics'],
    ['a dot segment at its start', '/../metrics'],
    ['a dot segment at its end', '/docs/..'],
    ['a dot segment before the query', '/docs/..?x=1'],
    ['a segment of one dot', '/docs/./metrics'],
    ['a segment of one dot at its end', '/docs/.'],
    ['escaped dots', '/docs/%2e%2e/metrics'],
    ['one escaped dot', '/docs/.%2E/metrics'],
    ['an escaped slash', '/docs%2fmetrics'],
    ['an escaped backslash', '/docs%5Cmetrics'],
    ['a backslash', '/docs\\metrics'],
    ['an escaped letter', '/api/campaigns/default/claims/%76ictim'],
    ['an escaped capital', '/%41'],
    ['an escaped digit', '/%30'],
    ['an escaped hyphen', '/a%2Db'],
    ['an escaped underscore', '/a%5fb'],
    ['an escaped tilde', '/%7e'],
    ['an escape cut off', '/%'],
    ['half an escape', '/%4'],
    ['an escape that is none', '/%zz'],
    ['invalid UTF-8', '/%C3%28'],
    ['overlong UTF-8', '/%C0%AE%C0%AE/metrics'],
    ['a longer overlong one', '/%E0%80%AF'],
    ['half a surrogate pair', '/%ED%A0%80'],
    ['half a letter', '/%EA%B0'],
    ['a fragment', '/docs#x'],
    ['a fragment in its query', '/docs?x#y'],
    ['a quote', '/"'],
    ['an angle bracket', '/<script>'],
    ['a brace', '/{x}'],
    ['a bar', '/a|b'],
    ['a caret', '/a^b'],
    ['a bracket', '/[x]'],
    ['a blank', '/a b'],
    ['a tab', '/a\tb'],
    ['a NUL', '/a\u0000'],
    ['a raw letter beyond ASCII', '/é'],
    ['an escape cut off in its query', '/x?limit=%'],
    ['an escape that is none in its query', '/x?limit=%ZZ'],
    ['overlong UTF-8 in its query', '/x?limit=%C0%B1'],
    ['a blank in its query', '/x?a b'],
    ['a raw letter beyond ASCII in its query', '/x?é'],
  ])('with %s is refused', (_what, target) => {
    expect([isNormalTarget(target), isNormalTarget(target)]).toEqual([false, false]);
    expect(isNormalTarget('/api/coupons/apply')).toBe(true);
    expect(isNormalTarget(target)).toBe(false);
  });

  it('has one spelling for each segment, the one that encodeURIComponent makes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (segment) => {
        const unsafe = /^\.{1,2}$|[/\\]/.test(segment);
        expect(isNormalTarget(`/a/${encodeURIComponent(segment)}/b`)).toBe(!unsafe);
      }),
    );
  });

  it('that is normal stays the same in a URL parser', () => {
    const pieces = fc.constantFrom(
      ...['/', '.', '..', 'a', '%2e', '%2F', '%41', '%7C', '\\', '%', ';', '//', '#', '@'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const target = `/a${parts.join('')}`;
        if (isNormalTarget(target)) expect(new URL(`http://x${target}`).pathname).toBe(target);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the origin form', () => {
  it.each([
    ['/api?x=1', '/api?x=1'],
    ['//example.com/api', '//example.com/api'],
    ['http://example.com/api?x=1', '/api?x=1'],
    ['HTTP://EXAMPLE.com:80/api', '/api'],
    ['https://[::1]:3000/api', '/api'],
    ['http://example.com', '/'],
    ['http://example.com?x=/metrics', '/?x=/metrics'],
    ['http://example.com#x', '/#x'],
    ['http://example.com/../metrics', '/../metrics'],
    ['http://example.com//metrics', '//metrics'],
  ])('of %s is %s', (target, expected) => {
    expect(originForm(target)).toBe(expected);
  });

  it.each([
    '*',
    '',
    'metrics',
    'example.com:80',
    'http://',
    'http:///metrics',
    'http://u@h/',
    'http://a b/',
    'http:/x/y',
  ])('of %j is there none: it is refused', (target) => {
    expect(originForm(target)).toBe(target);
    expect(isNormalTarget(target)).toBe(false);
  });

  it('is not taken from another scheme', () => {
    for (const target of ['ftp://example.com/', 'file:///etc/passwd', 'javascript:alert(1)', 'ws://example.com/']) {
      expect(isNormalTarget(originForm(target))).toBe(false);
    }
  });
});
