import { InProcessGateBuilder } from '../../src/infrastructure/embedded/in-process-gate-builder.js';
import { InProcessGateMemory } from '../../src/infrastructure/embedded/in-process-gate-memory.js';
import { InProcessIssuanceGate } from '../../src/infrastructure/embedded/in-process-issuance-gate.js';
import { describeGateBuilderContract } from './gate-builder.contract.js';
import { describeIssuanceGateContract, type IssuanceGateHarness } from './issuance-gate.contract.js';

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
