import { describe, expect, it } from '@jest/globals';
import { parseEnv } from './env.js';
import { adminUrlOf } from './service-url.js';

describe('where a command finds the service', () => {
  it.each([
    [{}, 'http://127.0.0.1:3000'],
    [{ HOST: '0.0.0.0', PORT: '8080' }, 'http://127.0.0.1:8080'],
    [{ HOST: '::' }, 'http://127.0.0.1:3000'],
    [{ HOST: '::1', BASE_PATH: '/shop' }, 'http://[::1]:3000/shop'],
    [{ HOST: '0.0.0.0', ADMIN_PORT: '3001' }, 'http://127.0.0.1:3001'],
    [{ HOST: '0.0.0.0', ADMIN_HOST: '10.0.0.7', ADMIN_PORT: '3001' }, 'http://10.0.0.7:3001'],
  ])('with %j is %s', (env, url) => {
    expect(adminUrlOf(parseEnv(env))).toBe(url);
  });
});
