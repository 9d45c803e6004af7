import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack } from '../../../../test/support/embedded.js';
import { SCHEMA } from '../schema.js';
import { COPIED, NOT_COPIED } from './moved-tables.js';

/** The tables of the embedded file that are no entities. */
const FILE_ONLY = ['journal', 'journal_offsets', 'migrations'];

describe('the tables of a move', () => {
  let stack: EmbeddedStack;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
  });
  afterEach(() => stack.close());

  const names = (sql: string) =>
    stack.connection.exclusive(async (runner) => {
      const rows = (await runner.query(sql)) as { name: string }[];
      return rows.map(({ name }) => name).sort();
    });

  it('are all entities of the schema: each is copied, or there is a reason why not', () => {
    const listed = [...COPIED, ...NOT_COPIED].map(({ name }) => name);
    expect(listed.sort()).toEqual(SCHEMA.entities.map(({ name }) => name).sort());
  });

  it('have an entity each, with every column', async () => {
    const entityMetadatas = await stack.connection.exclusive(async (runner) => runner.connection.entityMetadatas);
    const tables = await names("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    expect(tables).toEqual([...entityMetadatas.map(({ tableName }) => tableName), ...FILE_ONLY].sort());
    for (const { tableName, columns } of entityMetadatas) {
      const known = columns.map(({ databaseName }) => databaseName).sort();
      expect([tableName, ...(await names(`SELECT name FROM pragma_table_info('${tableName}')`))]).toEqual([
        tableName,
        ...known,
      ]);
    }
  });
});
