import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type GatePass } from '../../gate/issuance-gate.js';
import { InProcessGateBuilder } from './in-process-gate-builder.js';
import { InProcessGateMemory } from './in-process-gate-memory.js';
import { InProcessIssuanceGate } from './in-process-issuance-gate.js';

/** What the contract suite cannot ask of every gate: here the clock can be stopped at one very millisecond. */
describe('the window of the in-process gate', () => {
  const startsAt = 1_764_000_000_000;
  const endsAt = startsAt + 1_000;
  let gate: InProcessIssuanceGate;
  let pass: GatePass;

  beforeEach(async () => {
    jest.useFakeTimers({ now: startsAt });
    const memory = new InProcessGateMemory();
    gate = new InProcessIssuanceGate(memory);
    pass = { epoch: 1, fence: await new InProcessGateBuilder(memory).installFence(1) };
    await gate.openCampaign(pass, { campaignId: 'drop', total: 9, startsAt, endsAt, state: 'OPEN', version: 1 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const claimAt = (now: number) => {
    jest.setSystemTime(now);
    return gate.claim(pass, { campaignId: 'drop', userId: `u${now}`, claimId: `c${now}`, idempotencyDigest: null });
  };

  it('begins with the millisecond of its start', async () => {
    expect(await claimAt(startsAt - 1)).toEqual({ kind: 'NOT_STARTED', startsAt });
    expect(await claimAt(startsAt)).toMatchObject({ kind: 'ADMITTED', claimedAt: startsAt });
  });

  it('is over with the millisecond of its end', async () => {
    expect(await claimAt(endsAt - 1)).toMatchObject({ kind: 'ADMITTED', claimedAt: endsAt - 1 });
    expect(await claimAt(endsAt)).toEqual({ kind: 'ENDED' });
  });
});
