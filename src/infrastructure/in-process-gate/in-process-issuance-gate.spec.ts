import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { InProcessGateBuilder } from './in-process-gate-builder.js';
import { InProcessGateMemory } from './in-process-gate-memory.js';
import { InProcessIssuanceGate } from './in-process-issuance-gate.js';

/** The contract suite cannot ask this of every gate: here the test can stop the clock within one millisecond. */
describe('the clock of the in-process gate', () => {
  const startsAt = 1_764_000_000_000;
  const endsAt = startsAt + 1_000;
  let gate: InProcessIssuanceGate;
  let builder: InProcessGateBuilder;
  let pass: GatePass;

  beforeEach(async () => {
    jest.useFakeTimers({ now: startsAt });
    const memory = new InProcessGateMemory();
    gate = new InProcessIssuanceGate(memory);
    builder = new InProcessGateBuilder(memory);
    pass = { epoch: 1, fence: await builder.installFence(1), installation: 'own' };
    await gate.openCampaign(pass, { campaignId: 'drop', total: 9, startsAt, endsAt, state: 'OPEN', version: 1 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const claimAt = (now: number) => {
    jest.setSystemTime(now);
    return gate.claim(pass, { campaignId: 'drop', userId: `u${now}`, claimId: `c${now}`, idempotencyDigest: null });
  };

  it('begins a window with the millisecond of its start', async () => {
    expect(await claimAt(startsAt - 1)).toEqual({ kind: 'campaign-not-started', startsAt });
    expect(await claimAt(startsAt)).toMatchObject({ kind: 'admitted', claimedAt: startsAt });
  });

  it('ends a window with the millisecond of its end', async () => {
    expect(await claimAt(endsAt - 1)).toMatchObject({ kind: 'admitted', claimedAt: endsAt - 1 });
    expect(await claimAt(endsAt)).toEqual({ kind: 'campaign-ended' });
  });

  it('never goes back within a campaign, and keeps a window open that has begun', async () => {
    expect(await claimAt(startsAt + 500)).toMatchObject({ kind: 'admitted', sequence: 1, claimedAt: startsAt + 500 });
    expect(await claimAt(startsAt - 60_000)).toMatchObject({
      kind: 'admitted',
      sequence: 2,
      claimedAt: startsAt + 500,
    });
    expect(await claimAt(startsAt + 501)).toMatchObject({ kind: 'admitted', sequence: 3, claimedAt: startsAt + 501 });
  });

  it('is not dragged along by a claim from the future, and the sweeper finds what comes after such a claim', async () => {
    const tomorrow = startsAt + 86_400_000;
    const staged = { userId: 'ahead', claimId: 'x', sequence: 1, claimedAt: tomorrow, idempotencyDigest: null };
    await builder.stage(1, 'other', [{ ...staged, pending: true }]);
    const terms = { campaignId: 'other', total: 9, startsAt, endsAt: null, state: 'OPEN' as const, version: 1 };
    await builder.openStaged(1, [{ ...terms, sequence: 1 }]);
    const request = { campaignId: 'other', userId: 'b', claimId: 'y', idempotencyDigest: null };
    expect(await gate.claim(pass, request)).toMatchObject({ kind: 'admitted', claimedAt: startsAt });
    expect(await gate.pendingBefore(pass, 'other', startsAt + 1, 9, 0)).toMatchObject({
      claims: [
        { userId: 'ahead', claimedAt: tomorrow },
        { userId: 'b', claimedAt: startsAt },
      ],
    });
  });
});
