import { expect, it } from '@jest/globals';
import { fillIn } from './load.js';

it('a body is filled in where it has a known name, and nowhere else', () => {
  const values = { user: 'r1-0-2', number: '10000002', campaign: 'c' };

  expect(fillIn('{"userId":"{user}","id":{number},"campaign":"{campaign}","again":"{user}"}', values)).toBe(
    '{"userId":"r1-0-2","id":10000002,"campaign":"c","again":"r1-0-2"}',
  );
  expect(fillIn('{"a":{},"b":"{other}"}', values)).toBe('{"a":{},"b":"{other}"}');
});
