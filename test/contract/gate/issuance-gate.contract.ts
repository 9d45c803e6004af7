import { describe, expect, it } from '@jest/globals';
import { describeClaims } from './claims.contract.js';
import { describeFence } from './fence.contract.js';
import { gateUnderTest, type IssuanceGateHarness } from './gate-under-test.js';
import { describeLeaving } from './leaving.contract.js';
import { describeModel } from './model.contract.js';
import { describePending } from './pending.contract.js';
import { describeTerms } from './terms.contract.js';

/** Every adapter of the gate passes this. */
export function describeIssuanceGateContract(name: string, openHarness: () => Promise<IssuanceGateHarness>): void {
  describe(`${name} as an IssuanceGate`, () => {
    const under = gateUnderTest(openHarness);

    it('says that it takes claims, and stores nothing for that question', async () => {
      const { gate, pass } = under;
      await gate.checkWritable();
      expect(await gate.gauge(pass, ['probe'])).toEqual([{ kind: 'fenced', reason: 'meta-missing' }]);
    });

    describeClaims(under);
    describePending(under);
    describeTerms(under);
    describeLeaving(under);
    describeFence(under);
    describeModel(under);
  });
}
