import { expect, it } from '@jest/globals';
import { Server } from 'node:http';
import { parseEnv } from '../../config/env.js';
import { Connections } from '../connections/connections.js';
import { AdminListener } from './admin-listener.js';

it.each([
  [false, { host: 'a' }],
  [true, { host: 'a', 'x-forwarded-for': '203.0.113.7', 'x-forwarded-host': 'b', 'x-forwarded-proto': 'https' }],
])(
  'a port of operators who come through trusted proxies (%p) believes their headers, and otherwise none',
  (behindProxies, left) => {
    const server = new Server();
    new AdminListener(Connections.forOperators(parseEnv({}).http), behindProxies).use(server);
    const headers = {
      host: 'a',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-host': 'b',
      'x-forwarded-proto': 'https',
    };
    server.emit('request', { headers }, {});
    expect(headers).toEqual(left);
  },
);
