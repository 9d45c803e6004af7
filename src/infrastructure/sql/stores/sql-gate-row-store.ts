import { DatabaseError } from '../../../ports/database/database-error.js';
import { type GateCut, type GateEpoch, type GateRow, GateRowStore } from '../../../ports/database/gate-row-store.js';
import { GateCutEntity } from '../entities/gate.entity.js';
import { type SqlSession } from '../sql-session.js';

/** What {@link READ_EPOCH} selects. */
export interface RawGateEpoch {
  epoch: string | number;
  script_sha: string | null;
  installation_id: string | null;
}

interface RawGateRow extends RawGateEpoch {
  builder: string | null;
  lease_until: string | number | null;
  signed_since: string | number | null;
}

/** Marks a stored cut, also of a log that has no partition yet; see `GateCutEntity`. */
const CUT_MARKER = -1;

/** For a driver's own connection: through the ORM this read costs three times as much (ADR 35). */
export const READ_EPOCH = 'SELECT epoch, script_sha, installation_id FROM gate WHERE id = 1';

/** @throws DatabaseError of kind `infrastructure` when the row is missing, or does not name the installation. */
export function epochOf(row: RawGateEpoch | undefined): GateEpoch {
  // The work that needs the row is not to blame, and an operator can put the row back.
  if (row === undefined) {
    throw new DatabaseError(
      'infrastructure',
      'GATE_ROW_MISSING',
      'the gate row is missing: id 1, with epoch 0 and the installation_id and signed_since from before',
    );
  }
  if (row.installation_id === null) {
    throw new DatabaseError(
      'infrastructure',
      'INSTALLATION_ID_MISSING',
      'the gate row has no installation_id: put back the one that the claim events on the log carry',
    );
  }
  return { epoch: Number(row.epoch), fence: row.script_sha, installation: row.installation_id };
}

export class SqlGateRowStore extends GateRowStore {
  constructor(private readonly sql: SqlSession) {
    super();
  }

  read(): Promise<GateRow> {
    return this.selectRow('');
  }

  lockShared(): Promise<GateRow> {
    return this.selectRow(this.sql.dialect.lockShared);
  }

  lockExclusive(): Promise<GateRow> {
    return this.selectRow(this.sql.dialect.lockExclusive);
  }

  async lastOpen(): Promise<number> {
    const [row] = await this.sql.select<{ last_open: string | number | null }>(
      'SELECT CASE WHEN script_sha IS NOT NULL THEN epoch WHEN closed_by_epoch = epoch THEN closed_epoch END AS last_open ' +
        'FROM gate WHERE id = 1',
    );
    return Number(row?.last_open ?? 0);
  }

  async beginEpoch(builder: string, epoch: number, leaseMs: number, lastOpen = 0): Promise<void> {
    await this.sql.execute(
      'UPDATE gate SET epoch = ?, script_sha = NULL, closed_epoch = ?, closed_by_epoch = ?, builder = ?, ' +
        `lease_until = ${this.sql.dialect.now} + ? WHERE id = 1`,
      [epoch, lastOpen, epoch, builder, leaseMs],
    );
  }

  async renewLease(builder: string, epoch: number, leaseMs: number): Promise<boolean> {
    const changed = await this.sql.execute(
      `UPDATE gate SET lease_until = ${this.sql.dialect.now} + ? WHERE id = 1 AND epoch = ? AND builder = ?`,
      [leaseMs, epoch, builder],
    );
    return changed === 1;
  }

  async giveLeaseBack(builder: string, epoch: number): Promise<void> {
    await this.sql.execute(
      `UPDATE gate SET builder = NULL, lease_until = ${this.sql.dialect.now} ` +
        'WHERE id = 1 AND epoch = ? AND builder = ? AND script_sha IS NULL',
      [epoch, builder],
    );
  }

  async open(epoch: number, fence: string): Promise<void> {
    await this.sql.execute(
      'UPDATE gate SET script_sha = ?, builder = NULL, lease_until = NULL WHERE id = 1 AND epoch = ?',
      [fence, epoch],
    );
  }

  async storeCut(cut: GateCut): Promise<void> {
    const rows = [[CUT_MARKER, 0], ...cut.offsets].map(([partition, offset]) => ({
      epoch: cut.epoch,
      partition: partition as number,
      offset: offset as number,
      logId: partition === CUT_MARKER ? (cut.logId ?? null) : null,
    }));
    await this.sql.repository(GateCutEntity).insert(rows);
  }

  async cutAbove(epoch: number): Promise<GateCut | null> {
    const rows = await this.sql.select<{
      epoch: number;
      log_partition: number;
      log_offset: number;
      log_id: string | null;
    }>(
      'SELECT epoch, log_partition, log_offset, log_id FROM gate_cuts ' +
        'WHERE epoch = (SELECT MIN(epoch) FROM gate_cuts WHERE epoch > ?)',
      [epoch],
    );
    const first = rows[0];
    if (first === undefined) return null;
    const offsets = new Map<number, number>();
    for (const row of rows) {
      if (Number(row.log_partition) !== CUT_MARKER) offsets.set(Number(row.log_partition), Number(row.log_offset));
    }
    const logId = rows.find((row) => row.log_id !== null)?.log_id;
    return { epoch: Number(first.epoch), offsets, ...(logId ? { logId } : {}) };
  }

  async epochsWithCut(): Promise<number[]> {
    const rows = await this.sql.select<{ epoch: number | string }>(
      'SELECT epoch FROM gate_cuts WHERE log_partition = ? ORDER BY epoch',
      [CUT_MARKER],
    );
    return rows.map(({ epoch }) => Number(epoch));
  }

  async demandSignatures(demanded: boolean): Promise<void> {
    const since = demanded ? `COALESCE(signed_since, ${this.sql.dialect.now})` : 'NULL';
    await this.sql.execute(`UPDATE gate SET signed_since = ${since} WHERE id = 1`);
  }

  private async selectRow(lock: string): Promise<GateRow> {
    const [row] = await this.sql.select<RawGateRow>(
      `SELECT epoch, script_sha, builder, lease_until, installation_id, signed_since FROM gate WHERE id = 1${lock}`,
    );
    const epoch = epochOf(row);
    const { builder, lease_until: leaseUntil, signed_since: signedSince } = row as RawGateRow;
    return { ...epoch, builder, leaseUntil: toNumber(leaseUntil), signedSince: toNumber(signedSince) };
  }
}

function toNumber(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}
