import { Injectable } from '@nestjs/common';
import { type QueryRunner } from 'typeorm';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { SqlSession } from '../sql/sql-session.js';
import { SqlUnitOfWork } from '../sql/sql-unit-of-work.js';
import { SqliteConnection } from './sqlite-connection.js';

/**
 * The database of the embedded profile. One unit of work runs at a time. So every transaction is serialisable, and a
 * unit of work holds every lock of the protocol by being alone. Two processes cannot share it.
 */
@Injectable()
export class SqliteDatabase extends Database {
  /** This process holds the file's exclusive lock, and SQLite then answers from its own copy of the pages. */
  override readonly isShared: boolean = false;

  constructor(private readonly connection: SqliteConnection) {
    super();
  }

  transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.connection.transaction((runner) => work(unitOfWork(runner)));
  }

  snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.connection.exclusive((runner) => work(unitOfWork(runner)));
  }

  read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.connection.exclusive((runner) => work(unitOfWork(runner)));
  }
}

function unitOfWork(runner: QueryRunner): UnitOfWork {
  return new SqlUnitOfWork(new SqlSession(runner));
}
