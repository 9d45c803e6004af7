import { type QueryRunner } from 'typeorm';

const FLUSH_LOG = 'innodb_flush_log_at_trx_commit';
const FLUSH_METHOD = 'innodb_flush_method';
const BINLOG = 'log_bin';
const SYNC_BINLOG = 'sync_binlog';

/** Name → value, as the server tells it; what it does not know is missing. */
export type CommitSettings = ReadonlyMap<string, string>;

export async function readCommitSettings(runner: QueryRunner): Promise<CommitSettings> {
  const names = [FLUSH_LOG, FLUSH_METHOD, BINLOG, SYNC_BINLOG].map((name) => `'${name}'`);
  const rows = (await runner.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.join(', ')})`)) as {
    Variable_name: string;
    Value: string;
  }[];
  return new Map(rows.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value]));
}

/**
 * Settings with which the server answers a commit before the disk has it, each as `name=value`; none when all is well.
 *
 * The binary log counts where there is one: after a crash, InnoDB undoes what it had prepared and does not find in that
 * log.
 */
export function unsyncedSettings(settings: CommitSettings, isMariaDb: boolean): string[] {
  // 3 is MariaDB's older group commit, which syncs more often than 1.
  const synced = isMariaDb ? ['1', '3'] : ['1'];
  const isUnsynced: Record<string, (value: string) => boolean> = {
    [FLUSH_LOG]: (value) => !synced.includes(value),
    [SYNC_BINLOG]: (value) => settings.get(BINLOG) === 'ON' && value !== '1',
    [FLUSH_METHOD]: (value) => /nosync/i.test(value),
  };
  return Object.entries(isUnsynced).flatMap(([name, test]) => {
    const value = settings.get(name);
    return value !== undefined && test(value) ? [`${name}=${value}`] : [];
  });
}
