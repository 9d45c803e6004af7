import { describe, expect, it } from '@jest/globals';
import { isOneServer, isSameMemory, parseServerInfo } from './server-info.js';

const info = (runId: string, replicationId: string) =>
  parseServerInfo(`# Server\r\nredis_version:7.0.15\r\nrun_id:${runId}\r\nmaster_replid:${replicationId}\r\n`);
/** As some who rent out a Redis answer. */
const silent = parseServerInfo('# Server\r\nredis_version:7.0.15\r\n');

describe('two looks at what may be two servers', () => {
  it('are at one server when the run id is the same, whatever became of its history', () => {
    expect(isOneServer(info('a', 'x'), info('a', 'y'))).toBe(true);
    expect(isOneServer(info('a', 'x'), info('b', 'x'))).toBe(false);
  });

  it('are taken for looks at one where a server keeps its run id to itself', () => {
    expect(isOneServer(silent, info('a', 'x'))).toBe(true);
    expect(isOneServer(info('a', 'x'), silent)).toBe(true);
    expect(isOneServer(silent, silent)).toBe(true);
  });

  it('are at the same memory when neither the process nor its history is another one', () => {
    expect(isSameMemory(info('a', 'x'), info('a', 'x'))).toBe(true);
    expect(isSameMemory(info('a', 'x'), info('b', 'x'))).toBe(false);
    expect(isSameMemory(info('a', 'x'), info('a', 'y'))).toBe(false);
    expect(isSameMemory(silent, silent)).toBe(true);
  });
});
