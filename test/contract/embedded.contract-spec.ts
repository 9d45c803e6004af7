import { InProcessBoard } from '../../src/infrastructure/in-process-board/in-process-board.js';
import { InProcessGateBuilder } from '../../src/infrastructure/in-process-gate/in-process-gate-builder.js';
import { InProcessGateMemory } from '../../src/infrastructure/in-process-gate/in-process-gate-memory.js';
import { InProcessIssuanceGate } from '../../src/infrastructure/in-process-gate/in-process-issuance-gate.js';
import { JOURNAL_PARTITION } from '../../src/infrastructure/journal/journal-claim-log.js';
import { JournalClaimServer } from '../../src/infrastructure/journal/journal-claim-server.js';
import { CLAIM_EVENT_PATTERN } from '../../src/ports/log/claim-transport.js';
import { openEmbeddedStack, openJournal } from '../support/embedded.js';
import { type DatabaseHarness } from './database/database-under-test.js';
import { describeDatabaseContract } from './database/database.contract.js';
import { describeGateBuilderContract } from './gate/gate-builder.contract.js';
import { type IssuanceGateHarness } from './gate/gate-under-test.js';
import { describeIssuanceGateContract } from './gate/issuance-gate.contract.js';
import { describeProcessBoardContract } from './live/process-board.contract.js';
import { type ClaimLogHarness, describeClaimLogContract } from './log/claim-log.contract.js';
import { type ClaimTransportHarness, describeClaimTransportContract } from './log/claim-transport.contract.js';

async function openGate(): Promise<IssuanceGateHarness> {
  const memory = new InProcessGateMemory();
  let epoch = 1_764_000_000;
  return {
    gate: new InProcessIssuanceGate(memory),
    builder: new InProcessGateBuilder(memory),
    nextEpoch: () => ++epoch,
    wipe: async () => memory.dropBelow(Number.POSITIVE_INFINITY),
    deleteStructure: async (epoch, campaignId, structure) => {
      const campaign = memory.campaign(epoch, campaignId);
      if (structure === 'applied_user') campaign.applied.clear();
      else if (structure === 'pending') campaign.pending.clear();
      else Object.assign(campaign, { terms: null, sequence: 0, count: 0, pendingCount: 0 });
    },
    forgetRecord: async (epoch, campaignId, userId) => {
      memory.campaign(epoch, campaignId).applied.delete(userId);
    },
    forgetPending: async (epoch, campaignId, userId) => {
      memory.campaign(epoch, campaignId).pending.delete(userId);
    },
    close: async () => undefined,
  };
}

describeIssuanceGateContract('InProcessIssuanceGate', openGate);
describeGateBuilderContract('InProcessGateBuilder', openGate);

async function openLog(): Promise<ClaimLogHarness> {
  const { log, connection, close } = await openEmbeddedStack();
  return {
    log,
    publisherHolding: async (waiting) => openJournal(connection, waiting),
    commit: (offsets) => log.settle(offsets.get(JOURNAL_PARTITION) ?? 0),
    close,
  };
}

async function openTransport(): Promise<ClaimTransportHarness> {
  const { log, close } = await openEmbeddedStack();
  return { log, topic: CLAIM_EVENT_PATTERN, consumer: () => new JournalClaimServer(log, 10), close };
}

async function openDatabase(): Promise<DatabaseHarness> {
  const { database, log, connection, close } = await openEmbeddedStack();
  return {
    database,
    log,
    execute: (sql, parameters) => connection.exclusive((runner) => runner.query(sql, parameters)),
    withRunner: (work) => connection.exclusive(work),
    close,
  };
}

describeProcessBoardContract('InProcessBoard', async () => ({
  board: new InProcessBoard(),
  close: async () => undefined,
}));
describeClaimLogContract('JournalClaimLog', openLog);
describeClaimTransportContract('JournalClaimServer', openTransport);
describeDatabaseContract('SqliteDatabase', openDatabase);
