import { describe, expect, it } from '@jest/globals';
import { unsyncedSettings } from './commit-durability.js';

const GOOD = { innodb_flush_log_at_trx_commit: '1', innodb_flush_method: 'O_DIRECT', log_bin: 'ON', sync_binlog: '1' };
const found = (over: Record<string, string>, isMariaDb = true) =>
  unsyncedSettings(new Map(Object.entries({ ...GOOD, ...over })), isMariaDb);

describe('a commit', () => {
  it.each([
    ['the usual settings', {}],
    ['the older group commit of MariaDB', { innodb_flush_log_at_trx_commit: '3' }],
    ['a binary log that is not synced because there is none', { log_bin: 'OFF', sync_binlog: '0' }],
    ['no separate sync for O_DIRECT', { innodb_flush_method: 'O_DIRECT_NO_FSYNC' }],
  ])('is on the disk with %s', (_what, over) => {
    expect(found(over as Record<string, string>)).toEqual([]);
  });

  it('is not judged by what the server does not tell', () => {
    expect(unsyncedSettings(new Map(), false)).toEqual([]);
  });

  it.each([
    ['innodb_flush_log_at_trx_commit', '0'],
    ['innodb_flush_log_at_trx_commit', '2'],
    ['sync_binlog', '0'],
    ['sync_binlog', '100'],
    ['innodb_flush_method', 'nosync'],
  ])('may not be with %s=%s', (name, value) => {
    expect(found({ [name]: value })).toEqual([`${name}=${value}`]);
  });

  it('may not be in MySQL with the number that only MariaDB knows, and all reasons are told together', () => {
    expect(found({ innodb_flush_log_at_trx_commit: '3', sync_binlog: '0' }, false)).toEqual([
      'innodb_flush_log_at_trx_commit=3',
      'sync_binlog=0',
    ]);
  });
});
