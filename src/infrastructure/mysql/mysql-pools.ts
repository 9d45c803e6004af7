import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { MysqlDataSource, type PoolName } from './mysql-data-source.js';
import { MysqlOutage } from './mysql-outage.js';
import { MysqlPool } from './mysql-pool.js';

/** Every connection of the service to its database. Nest makes the data sources and ends them. */
@Injectable()
export class MysqlPools implements Record<PoolName, MysqlPool> {
  readonly writes: MysqlPool;
  readonly reads: MysqlPool;
  /** For the gate row: a flood of users' reads must not keep it waiting. */
  readonly urgentReads: MysqlPool;
  private readonly sources: readonly MysqlDataSource[];

  constructor(
    @InjectDataSource('writes' satisfies PoolName) writes: MysqlDataSource,
    @InjectDataSource('reads' satisfies PoolName) reads: MysqlDataSource,
    @InjectDataSource('urgentReads' satisfies PoolName) urgentReads: MysqlDataSource,
  ) {
    const outage = new MysqlOutage();
    this.sources = [writes, reads, urgentReads];
    this.writes = new MysqlPool(writes, outage);
    this.reads = new MysqlPool(reads, outage);
    this.urgentReads = new MysqlPool(urgentReads, outage);
  }

  /** Goes on where an earlier attempt has failed. @throws DatabaseError */
  async connect(): Promise<void> {
    for (const source of this.sources) if (!source.isInitialized) await source.initialize();
  }

  dropConnections(): void {
    for (const source of this.sources) source.dropConnections();
  }
}
