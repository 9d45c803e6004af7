import { createHash } from 'node:crypto';
import { StartupError } from '../../../platform/config/startup-error.js';
import { DatabaseError } from '../../../ports/database/database-error.js';
import { type SqlSession } from '../sql-session.js';
import { type MoveEnd } from './move-end.js';
import { type CopiedTable } from './moved-tables.js';

/** Rows of one read. */
const PAGE = 1_000;
/** Bytes of one INSERT, roughly. A server refuses a statement of 16 MB, and an escaped BLOB is twice as long. */
const STATEMENT_BYTES = 2_000_000;

type Cell = string | number | Buffer | null;
type Row = readonly Cell[];

/**
 * Adds the rows that the target lacks, in the order of the primary key. A copy that was killed leaves a first part of
 * them, so this goes on behind the last.
 */
export async function copyTable(table: CopiedTable, source: MoveEnd, target: MoveEnd): Promise<void> {
  let after = await target.run((sql) => lastKey(sql, table));
  for (;;) {
    const rows = await source.run((sql) => readPage(sql, table, after));
    for (const some of statements(rows)) await target.run((sql) => insert(sql, table, some));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = keyOf(last);
  }
}

/** What both databases hold of a table. */
export interface ComparedTable {
  readonly rows: number;
  /** SHA-256 over the rows in the order of the primary key. */
  readonly digest: string;
}

/**
 * Reads every row of both databases, also those that were not copied just now.
 * @throws StartupError at the first row that differs.
 */
export async function compareTable(table: CopiedTable, source: MoveEnd, target: MoveEnd): Promise<ComparedTable> {
  const hash = createHash('sha256');
  let count = 0;
  let after: Cell = null;
  for (;;) {
    const from: Cell = after;
    const rows: Row[] = await source.run((sql) => readPage(sql, table, from));
    const copies: Row[] = await target.run((sql) => readPage(sql, table, from));
    for (let index = 0; index < Math.max(rows.length, copies.length); index++) {
      const [row, copy] = [rows[index], copies[index]];
      const text = row === undefined ? '' : canonical(row);
      // mutant: uncompared-move
      if (copy === undefined || text !== canonical(copy)) {
        const key = String(keyOf(row ?? copy ?? []));
        throw new StartupError(
          `the copy of ${table.name} differs at ${table.key} ${key}: the source was changed after a part of it was ` +
            `copied, or the target was. Nothing is moved yet; drop ${target.address}, make it again, and repeat the move`,
        );
      }
      hash.update(text);
    }
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return { rows: count, digest: hash.digest('hex') };
    after = keyOf(last);
  }
}

function keyOf(row: Row): Cell {
  return row[0] ?? null;
}

async function lastKey(sql: SqlSession, { name, key }: CopiedTable): Promise<Cell> {
  const [row] = await sql.select<{ last: Cell }>(`SELECT MAX(${key}) AS last FROM ${name}`);
  return row?.last ?? null;
}

async function readPage(sql: SqlSession, { name, key, columns }: CopiedTable, after: Cell): Promise<Row[]> {
  const rows = await sql.select<Record<string, Cell | ArrayBuffer>>(
    `SELECT ${columns.join(', ')} FROM ${name} ${after === null ? '' : `WHERE ${key} > ? `}ORDER BY ${key} LIMIT ${PAGE}`,
    after === null ? [] : [after],
  );
  return rows.map((row) => columns.map((column) => toCell(row[column] ?? null)));
}

/** libsql hands a BLOB out as an ArrayBuffer. */
function toCell(value: Cell | ArrayBuffer): Cell {
  return value instanceof ArrayBuffer ? Buffer.from(value) : value;
}

/** Numbers as text: mysql2 hands a BIGINT out as text. Lengths keep two different rows from being written alike. */
function canonical(row: Row): string {
  return row
    .map((cell) => {
      if (cell === null) return '-';
      const text = Buffer.isBuffer(cell) ? `0x${cell.toString('hex')}` : String(cell);
      return `${text.length}:${text}`;
    })
    .join('|');
}

/** Cuts a page so that no statement is longer than a server takes. */
function* statements(rows: readonly Row[]): Generator<readonly Row[]> {
  let some: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const length = row.reduce<number>((sum, cell) => sum + lengthOf(cell), 0);
    if (some.length > 0 && bytes + length > STATEMENT_BYTES) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(row);
    bytes += length;
  }
  if (some.length > 0) yield some;
}

function lengthOf(cell: Cell): number {
  return typeof cell === 'string' || Buffer.isBuffer(cell) ? cell.length : 8;
}

async function insert(sql: SqlSession, { name, key, columns }: CopiedTable, rows: readonly Row[]): Promise<void> {
  const values = sql.dialect.rows(rows);
  try {
    await sql.execute(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${values.sql}`, values.parameters);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const [first, last] = [rows[0], rows.at(-1)].map((row) => String(keyOf(row ?? [])));
    throw new StartupError(
      `the target refuses rows of ${name}, ${key} ${first} to ${last}: ${error.code}: ${error.message}. Mend that, and ` +
        'repeat the command: it goes on where it stopped',
      { cause: error },
    );
  }
}
