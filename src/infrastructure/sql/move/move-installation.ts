import { randomUUID } from 'node:crypto';
import { isoOf } from '../../../domain/iso-of.js';
import { StartupError } from '../../../platform/config/startup-error.js';
import { type MoveEntity } from '../entities/move.entity.js';
import { type SqlSession } from '../sql-session.js';
import { compareTable, copyTable } from './copy-table.js';
import { type MoveEnd } from './move-end.js';
import { finishMark, readMark, removeMark, writeMark } from './move-mark.js';
import { type CopiedTable, copiedTables, installationColumns } from './moved-tables.js';

/** Where the target's gate row lies during a move. Every unit of work that writes needs it as row 1, and fails. */
// mutant: unparked-gate
const PARKED = 0;
const GATE = 1;

/** The source also has a journal, whose claims have to become rows before the rows are copied. */
export interface MoveSource extends MoveEnd {
  /**
   * Makes failed events of the claims that the consumer has not settled, and of nothing else. May be repeated.
   * @returns how many rows it made.
   */
  settleJournal(): Promise<number>;
}

/**
 * Moves an embedded installation to a server's database. It may be killed at any point and repeated:
 *
 * 1. The source is marked. From then on no service starts on it.
 * 2. The target is marked and its gate row parked, in one transaction. From then on no service works on it.
 * 3. What only the journal holds becomes rows of the source.
 * 4. The rows are copied, in the order of their keys; a repeated move goes on behind the last.
 * 5. All rows of both are compared.
 * 6. The target's gate row comes back, with an epoch above the source's and with its installation and keys, and its mark
 *    says MOVED, in one transaction.
 * 7. The source's mark says MOVED.
 *
 * Between 6 and 7 the source is still marked, so at no point both of them can be started.
 *
 * @param report is told each step in one line.
 * @throws StartupError with one line for the operator.
 */
export async function moveInstallation(
  source: MoveSource,
  target: MoveEnd,
  report: (line: string) => void,
): Promise<void> {
  for (const end of [source, target]) await end.run((sql) => assertKnownSchema(sql, end));
  const tables = copiedTables(source.dataSource);
  const state = await begin(source, target, tables);
  if (state === 'MOVING') {
    const settled = await source.settleJournal();
    if (settled > 0) report(`journal: ${settled} claims that are no coupons yet became failed events`);
    for (const table of tables) {
      await copyTable(table, source, target);
      report(`${table.name}: copied`);
    }
    for (const table of tables) {
      const { rows, digest } = await compareTable(table, source, target);
      report(`${table.name}: ${rows} rows, the same in both, sha256 ${digest}`);
    }
    await openTarget(source, target);
    report(`${target.address} has the installation`);
  }
  await source.transaction(finishMark);
}

/**
 * Lets a service start on the source again. The target keeps its mark, so no service works on the part that it holds.
 * @throws StartupError when the target has the installation already.
 */
export async function giveMoveUp(source: MoveEnd, target: MoveEnd): Promise<void> {
  const left = await source.run(readMark);
  if (left === null) throw new StartupError(`${source.address} is not being moved`);
  const there = await target.run(readMark);
  const isOver = left.state === 'MOVED' || (there?.moveId === left.moveId && there.state === 'MOVED');
  if (isOver) throw new StartupError(whyMoved(source.address, { ...left, state: 'MOVED' }));
  if (there?.moveId !== left.moveId && left.target !== target.address) {
    throw new StartupError(whyMoved(source.address, left));
  }
  await source.transaction(removeMark);
}

/** Steps 1 and 2, or what an earlier call has left of them. @returns the state of the target's mark. */
async function begin(source: MoveEnd, target: MoveEnd, tables: readonly CopiedTable[]): Promise<MoveEntity['state']> {
  const left = await source.run(readMark);
  const there = await target.run(readMark);
  if (there !== null && there.moveId === left?.moveId) {
    if (left.state === 'MOVING' || there.state === 'MOVED') return there.state;
  }
  if (left?.state === 'MOVED') throw new StartupError(whyMoved(source.address, left));
  if (there !== null) {
    throw new StartupError(
      `${target.address} holds ${there.state === 'MOVED' ? 'the installation' : 'a part of the installation'} of ` +
        `${there.source}, since ${isoOf(there.startedAt)}; a move needs a database of its own`,
    );
  }
  if (left !== null && left.target !== target.address) throw new StartupError(whyMoved(source.address, left));
  await target.run((sql) => assertUnused(sql, target, tables));

  const mark = left ?? (await newMark(source, target));
  if (left === null) await source.transaction((sql) => writeMark(sql, mark));
  await target
    .transaction(async (sql) => {
      // The statement fails or waits while a builder has the row, and no builder finds the row after it.
      const parked = await sql.execute(
        `UPDATE gate SET id = ${PARKED} WHERE id = ${GATE} AND epoch = 0 AND script_sha IS NULL AND builder IS NULL`,
      );
      if (parked !== 1) throw new StartupError(whyUsed(target, 'a service has begun to work on it'));
      await assertUnused(sql, target, tables);
      await writeMark(sql, mark);
    })
    .catch(async (error: unknown) => {
      // The target refused, and did not fall silent: nothing has begun, and the source may go on.
      if (left === null && error instanceof StartupError) await source.transaction(removeMark);
      throw error;
    });
  return 'MOVING';
}

async function newMark(source: MoveEnd, target: MoveEnd): Promise<MoveEntity> {
  const startedAt = await source.run((sql) => sql.now());
  return {
    id: 1,
    moveId: randomUUID(),
    state: 'MOVING',
    source: source.address,
    target: target.address,
    startedAt,
    finishedAt: null,
  };
}

/** Step 6. */
async function openTarget(source: MoveEnd, target: MoveEnd): Promise<void> {
  const columns = installationColumns(source.dataSource);
  const [row] = await source.run((sql) =>
    sql.select<Record<string, unknown>>(`SELECT ${['epoch', ...columns].join(', ')} FROM gate WHERE id = ${GATE}`),
  );
  if (row === undefined) throw new StartupError(`${source.address}: the gate row is missing`);
  const keys = await source.run((sql) =>
    sql.select<Record<string, unknown>>(
      'SELECT purpose, secret, created_at, retired_at FROM installation_keys ORDER BY id',
    ),
  );
  await target.transaction(async (sql) => {
    // Above the source's epoch: claims of that epoch count as older than all that the new gate admits.
    const moved = await sql.execute(
      `UPDATE gate SET id = ${GATE}, epoch = ?${columns.map((column) => `, ${column} = ?`).join('')} WHERE id = ${PARKED}`,
      [Number(row['epoch']) + 1, ...columns.map((column) => row[column])],
    );
    if (moved !== 1) throw new StartupError(`${target.address}: its gate row is missing; drop it, and repeat the move`);
    // Coupons that are issued again must have the codes that they had. The target's own secrets were never used.
    await sql.execute('DELETE FROM installation_keys');
    for (const { purpose, secret, created_at: createdAt, retired_at: retiredAt } of keys) {
      const values = [purpose, secret, Number(createdAt), retiredAt];
      await sql.execute(
        'INSERT INTO installation_keys (purpose, secret, created_at, retired_at) VALUES (?, ?, ?, ?)',
        values,
      );
    }
    await finishMark(sql);
  });
}

/** @throws StartupError when the gate was ever opened, or a table has a row. */
async function assertUnused(sql: SqlSession, target: MoveEnd, tables: readonly CopiedTable[]): Promise<void> {
  const [gate] = await sql.select<{ epoch: number | string }>('SELECT MAX(epoch) AS epoch FROM gate');
  if (Number(gate?.epoch ?? 0) > 0) throw new StartupError(whyUsed(target, 'a service has opened its gate'));
  for (const { name } of tables) {
    const rows = await sql.select(`SELECT 1 FROM ${name} LIMIT 1`);
    if (rows.length > 0) throw new StartupError(whyUsed(target, `${name} has rows`));
  }
}

/** @throws StartupError when a later version has changed the schema: it may hold what this version would not copy. */
async function assertKnownSchema(sql: SqlSession, { address, dataSource }: MoveEnd): Promise<void> {
  const known = new Set(dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name));
  const run = await sql.select<{ name: string }>('SELECT name FROM migrations');
  const unknown = run.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (unknown.length === 0) return;
  throw new StartupError(`${address} belongs to a later version (${unknown.join(', ')}): move it with that version`);
}

function whyUsed({ address }: MoveEnd, reason: string): string {
  return `${address} is in use: ${reason}; a move needs a new database`;
}

/** Why nothing works on a data directory that is moved, and where it went. */
export function whyMoved(address: string, { state, target, startedAt, finishedAt }: MoveEntity): string {
  return state === 'MOVED'
    ? `${address} was moved to ${target} at ${isoOf(finishedAt ?? startedAt)}: run PROFILE=distributed with that database`
    : `${address} is being moved to ${target} since ${isoOf(startedAt)}: repeat npm run move until it ends`;
}
