import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';
import { DatabaseError } from '../../ports/database/database-error.js';
import { classifyDatabaseError } from './classify-database-error.js';

function driverError(fields: { code?: string; errno?: number; fatal?: boolean }, message = 'refused'): Error {
  return Object.assign(new Error(message), fields);
}

function classified(fields: Parameters<typeof driverError>[0]): DatabaseError {
  const error = classifyDatabaseError(new QueryFailedError('SELECT 1', [], driverError(fields)));
  if (!(error instanceof DatabaseError)) throw new Error('not classified');
  return error;
}

describe('classifyDatabaseError', () => {
  it.each([
    1020, 1021, 1040, 1053, 1114, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1290, 1317, 1792, 1836, 1927, 1969, 2006,
    2013, 3024, 4031, 1026, 1047, 1135, 1180, 1598, 3100, 3101, 1036, 1044, 1045, 1049, 1129, 1130, 1142, 1143, 1146,
    1226, 1698, 1812, 1820, 1862,
  ])('takes MySQL’s %d for the server’s trouble', (errno) => {
    expect(classified({ code: 'ER_SOMETHING', errno })).toMatchObject({
      kind: 'infrastructure',
      code: 'ER_SOMETHING',
      problemCode: 'database-unavailable',
    });
  });

  it.each([1048, 1264, 1366, 1406, 1452])('takes MySQL’s %d for the row’s fault', (errno) => {
    expect(classified({ code: 'ER_SOMETHING', errno })).toMatchObject({ kind: 'data', problemCode: undefined });
  });

  it('takes MySQL’s 1062 for a duplicate', () => {
    expect(classified({ code: 'ER_DUP_ENTRY', errno: 1062 }).kind).toBe('duplicate');
  });

  it.each([
    ['no such column', 1054],
    ['a CHECK that failed in MySQL', 3819],
    ['a CHECK that failed in MariaDB', 4025],
    ['a number of tomorrow', 9999],
  ])('leaves %s open, to be found out by trying', (_what, errno) => {
    expect(classified({ code: 'ER_SOMETHING', errno }).kind).toBe('unknown');
  });

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ETIMEDOUT',
    'EPIPE',
    'EAI_AGAIN',
    'ENOTFOUND',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'PROTOCOL_CONNECTION_LOST',
    'PROTOCOL_SEQUENCE_TIMEOUT',
    'POOL_CLOSED',
  ])('takes %s for a lost connection, with and without a query around it', (code) => {
    expect(classified({ code }).kind).toBe('infrastructure');
    expect(classifyDatabaseError(driverError({ code }))).toMatchObject({ kind: 'infrastructure', code });
  });

  it('believes a fatal error whatever its number says', () => {
    expect(classified({ code: 'ER_DUP_ENTRY', errno: 1062, fatal: true }).kind).toBe('infrastructure');
  });

  it.each([
    ['SQLITE_CONSTRAINT_UNIQUE', 'duplicate'],
    ['SQLITE_CONSTRAINT_PRIMARYKEY', 'duplicate'],
    ['SQLITE_CONSTRAINT_NOTNULL', 'data'],
    ['SQLITE_CONSTRAINT_FOREIGNKEY', 'data'],
    ['SQLITE_CONSTRAINT_CHECK', 'unknown'],
    ['SQLITE_TOOBIG', 'data'],
    ['SQLITE_MISMATCH', 'data'],
    ['SQLITE_BUSY', 'infrastructure'],
    ['SQLITE_BUSY_SNAPSHOT', 'infrastructure'],
    ['SQLITE_LOCKED', 'infrastructure'],
    ['SQLITE_FULL', 'infrastructure'],
    ['SQLITE_IOERR_FSYNC', 'infrastructure'],
    ['SQLITE_READONLY_DBMOVED', 'infrastructure'],
    ['SQLITE_CORRUPT', 'infrastructure'],
    ['SQLITE_NOTADB', 'infrastructure'],
    ['SQLITE_NOMEM', 'infrastructure'],
    ['SQLITE_ERROR', 'unknown'],
  ])('takes %s for %s', (code, kind) => {
    expect(classified({ code })).toMatchObject({ kind, code });
    expect(classifyDatabaseError(driverError({ code }))).toMatchObject({ kind, code });
  });

  it('keeps the message and the cause, and names an error without a code', () => {
    const cause = new QueryFailedError('SELECT 1', [], driverError({ errno: 1213 }, 'Deadlock found'));
    expect(classifyDatabaseError(cause)).toMatchObject({ code: '1213', message: 'Deadlock found', cause });
    expect(classified({})).toMatchObject({ kind: 'unknown', code: 'UNKNOWN' });
  });

  it('hands through what it has classified already, and what no database said', () => {
    const known = new DatabaseError('data', 'X', 'x');
    expect(classifyDatabaseError(known)).toBe(known);
    for (const foreign of [
      new Error('mine'),
      new TypeError('bug'),
      driverError({ code: 'ERR_INVALID_ARG_TYPE' }),
      'text',
      null,
    ]) {
      expect(classifyDatabaseError(foreign)).toBe(foreign);
    }
  });
});
