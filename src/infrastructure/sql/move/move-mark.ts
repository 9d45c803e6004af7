import { MoveEntity } from '../entities/move.entity.js';
import { type SqlSession } from '../sql-session.js';

/** The mark of a move; null in a database that no move concerns. */
export function readMark(sql: SqlSession): Promise<MoveEntity | null> {
  return sql.repository(MoveEntity).findOneBy({ id: 1 });
}

export async function writeMark(sql: SqlSession, mark: MoveEntity): Promise<void> {
  await sql.repository(MoveEntity).insert(mark);
}

export async function removeMark(sql: SqlSession): Promise<void> {
  await sql.repository(MoveEntity).delete({ id: 1 });
}

export async function finishMark(sql: SqlSession): Promise<void> {
  await sql.repository(MoveEntity).update({ id: 1, state: 'MOVING' }, { state: 'MOVED', finishedAt: await sql.now() });
}
