import { describe, expect, it } from '@jest/globals';
import { isHost } from './host.js';

describe('a host', () => {
  it.each([
    'localhost',
    'example.com',
    'example.com:3000',
    'EXAMPLE.com:80',
    'example.com:',
    'example.com.',
    'a_b.internal',
    '127.0.0.1:65535',
    '[::1]',
    '[::1]:3000',
    '[2001:DB8::7]:443',
    '[::ffff:192.0.2.1]',
    'xn--9t4b11yi5a.kr',
    'a%20b',
  ])('may be %s', (value) => {
    // The second call is answered from memory.
    expect([isHost(value), isHost(value)]).toEqual([true, true]);
  });

  it.each([
    '',
    ' ',
    'a b',
    'a, b',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    'user@example.com',
    'http://example.com',
    'example.com:port',
    'example.com:-1',
    'example.com:65536',
    'example.com:80:80',
    ':3000',
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[::1]:x',
    '[1::2::3]',
    '[127.0.0.1]',
    '[fe80::1%25eth0]',
    '[v1.a]',
    'a%2',
    'a%zz',
    'é.kr',
    'a"b',
    '<script>',
    'a\tb',
    'a\u0000b',
  ])('is not %j', (value) => {
    expect([isHost(value), isHost(value)]).toEqual([false, false]);
    expect(isHost('localhost')).toBe(true);
    expect(isHost(value)).toBe(false);
  });
});
