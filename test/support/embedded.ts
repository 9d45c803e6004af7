import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Campaign } from '../../src/domain/campaign.js';
import { InProcessBoard } from '../../src/infrastructure/in-process-board/in-process-board.js';
import { InProcessGateBuilder } from '../../src/infrastructure/in-process-gate/in-process-gate-builder.js';
import { InProcessGateMemory } from '../../src/infrastructure/in-process-gate/in-process-gate-memory.js';
import { InProcessIssuanceGate } from '../../src/infrastructure/in-process-gate/in-process-issuance-gate.js';
import { JournalClaimLog, JournalLimits } from '../../src/infrastructure/journal/journal-claim-log.js';
import { type Flush, SqliteConnection } from '../../src/infrastructure/sqlite/sqlite-connection.js';
import { SqliteDataSource } from '../../src/infrastructure/sqlite/sqlite-data-source.js';
import { SqliteDatabase } from '../../src/infrastructure/sqlite/sqlite-database.js';
import { type Database } from '../../src/ports/database/database.js';
import { type GateBuilder } from '../../src/ports/gate/gate-builder.js';
import { type GatePass } from '../../src/ports/gate/issuance-gate.js';
import { PATIENCE_MS } from './patience.js';

/** The embedded adapters without Nest, on a new file. */
export interface EmbeddedStack {
  readonly directory: string;
  readonly connection: SqliteConnection;
  readonly database: SqliteDatabase;
  readonly memory: InProcessGateMemory;
  readonly gate: InProcessIssuanceGate;
  readonly builder: InProcessGateBuilder;
  readonly board: InProcessBoard;
  readonly log: JournalClaimLog;
  close(): Promise<void>;
}

/**
 * Opens the journal with the long time limits of a test: a busy machine may write a claim later than a caller would
 * wait.
 */
export function openJournal(connection: SqliteConnection, waiting?: number): JournalClaimLog {
  return new JournalClaimLog(connection, new JournalLimits(waiting, undefined, PATIENCE_MS));
}

export interface OpenFile {
  readonly connection: SqliteConnection;
  /** Closes everything as Nest does. */
  close(): Promise<void>;
}

export async function openFile(
  directory: string,
  flush?: Flush,
  onFatal?: (reason: string) => void,
): Promise<OpenFile> {
  const dataSource = new SqliteDataSource(directory);
  return {
    connection: await SqliteConnection.open(dataSource, flush, onFatal),
    close: async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}

/** The file as a server that several processes share: a read of the gate row may show what another one has written. */
export class SharedSqliteDatabase extends SqliteDatabase {
  override readonly isShared: boolean = true;
}

export async function openEmbeddedStack(Adapter = SqliteDatabase): Promise<EmbeddedStack> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-'));
  const { connection, close } = await openFile(directory);
  const memory = new InProcessGateMemory();
  return {
    directory,
    connection,
    database: new Adapter(connection),
    memory,
    gate: new InProcessIssuanceGate(memory),
    builder: new InProcessGateBuilder(memory),
    board: new InProcessBoard(),
    log: openJournal(connection),
    close: async () => {
      await close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Stores a campaign that is open now, unless told otherwise. */
export function storeCampaign(
  { database }: Pick<EmbeddedStack, 'database'>,
  campaign: Partial<Campaign> & { id: string },
): Promise<Campaign> {
  return database.transaction((unit) =>
    unit.campaigns.insert({ name: campaign.id, total: 100, startsAt: 0, endsAt: null, state: 'OPEN', ...campaign }),
  );
}

/** Opens an epoch by hand, as the recovery would: for tests of what comes after it. */
export async function openEpoch(
  { database, builder }: { readonly database: Database; readonly builder: GateBuilder },
  epoch: number,
): Promise<GatePass> {
  const { installation } = await database.read((unit) => unit.gate.read());
  builder.useInstallation(installation);
  const fence = await builder.installFence(epoch);
  await database.transaction(async (unit) => {
    await unit.gate.lockExclusive();
    await unit.gate.beginEpoch('test', epoch, 10_000);
    await unit.gate.open(epoch, fence);
    const campaigns = await unit.campaigns.listAtGate('', 1_000);
    await builder.openStaged(
      epoch,
      campaigns.map(({ id, total, startsAt, endsAt, state, version }) => ({
        campaignId: id,
        total,
        startsAt,
        endsAt,
        state,
        version,
        sequence: 0,
      })),
    );
  });
  return { epoch, fence, installation };
}
