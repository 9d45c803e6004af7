import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { issuanceOf } from '../../../test/support/issuance.js';
import { watchOf } from '../../../test/support/recovery.js';
import { GateBusyError, GateTimeoutError, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type ClaimIssuance } from './claim-issuance.js';

describe('a claim that the gate did not answer', () => {
  let stack: EmbeddedStack;
  let issuance: ClaimIssuance;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'default', total: 3 });
    await openEpoch(stack, 10);
    // The watch reads once and does not beat: the next claims know only what this one reports.
    const watch = watchOf(stack);
    await watch.refresh();
    issuance = issuanceOf(stack, watch, stack.log).issuance;
  });
  afterEach(() => stack.close());

  const apply = async (userId: string) =>
    (await issuance.apply({ campaignId: 'default', userId, idempotencyKey: null })).kind;
  const failOnce = async (error: Error) => {
    const { gate } = stack;
    const claim = gate.claim.bind(gate);
    gate.claim = () => Promise.reject(error);
    const outcome = await apply('unlucky');
    gate.claim = claim;
    return outcome;
  };

  it.each([
    ['in time', new GateTimeoutError('no answer'), 'claim-unconfirmed'],
    ['at all', new GateUnavailableError('away'), 'issuer-unavailable'],
  ])(
    '%s leaves no promise on an older look at the epoch: another gate may answer by now',
    async (_how, error, kind) => {
      expect(await failOnce(error)).toBe(kind);
      await stack.database.transaction((unit) => unit.gate.beginEpoch('another', 11, 10_000));
      expect(await apply('next')).toBe('claim-unconfirmed');
    },
  );

  it('because too many waited says nothing about the gate', async () => {
    expect(await failOnce(new GateBusyError('too many'))).toBe('issuer-unavailable');
    expect(await apply('next')).toBe('accepted');
  });
});
