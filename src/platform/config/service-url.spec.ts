import { describe, expect, it } from '@jest/globals';
import { parseEnv } from './env.js';
import { adminUrlOf, serviceUrl } from './service-url.js';

describe('where a command finds the service', () => {
  it.each([
    [{}, 'http://127.0.0.1:3000'],
    [{ HOST: '0.0.0.0', PORT: '8080' }, 'http://127.0.0.1:8080'],
    [{ HOST: '::' }, 'http://127.0.0.1:3000'],
    // Only a proxy knows the prefix.
    [{ HOST: '::1', BASE_PATH: '/shop' }, 'http://[::1]:3000'],
    [{ HOST: '0.0.0.0', ADMIN_PORT: '3001' }, 'http://127.0.0.1:3001'],
    [{ HOST: '0.0.0.0', ADMIN_HOST: '10.0.0.7', ADMIN_PORT: '3001' }, 'http://10.0.0.7:3001'],
  ])('with %j is %s', (env, url) => {
    expect(adminUrlOf(parseEnv(env))).toBe(url);
  });

  it.each([
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['https://shop.example/', 'https://shop.example'],
    ['https://shop.example/coupons//', 'https://shop.example/coupons'],
  ])('is what --url %s says', (text, url) => {
    expect(serviceUrl(text)).toBe(url);
  });

  it.each([
    ['localhost', /Invalid URL/],
    ['http://kim:hunter2@', /Invalid URL/],
    ['ftp://hunter2.example', /begins with http/],
    ['http://kim:hunter2@127.0.0.1:3000', /must not hold a user or a password/],
    ['http://hunter2@127.0.0.1:3000', /must not hold a user or a password/],
    ['http://127.0.0.1:3000/?token=hunter2', /ends with a host, a port or a path/],
  ])('is not %s, which the refusal does not repeat', (text, reason) => {
    const refused = (): string => serviceUrl(text);
    expect(refused).toThrow(TypeError);
    expect(refused).toThrow(reason);
    expect(refused).not.toThrow(/hunter2/);
  });
});
