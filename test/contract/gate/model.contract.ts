import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ulid } from 'ulid';
import { type IssuanceGate } from '../../../src/ports/gate/issuance-gate.js';
import { type GateUnderTest, request, terms } from './gate-under-test.js';

export function describeModel(under: GateUnderTest): void {
  const { openEpoch, gaugeOf } = under;
  let gate: IssuanceGate;
  beforeAll(() => {
    ({ gate } = under);
  });

  it('behaves like the simplest model of itself under random calls', async () => {
    const users = ['a', 'b', 'c', 'd', 'A'];
    const user = fc.constantFrom(...users);
    const call = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('claim' as const), user }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), user, stale: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), user, stale: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('change' as const),
          total: fc.integer({ min: 0, max: 6 }),
          version: fc.integer({ min: 1, max: 8 }),
          state: fc.constantFrom('OPEN' as const, 'OPEN' as const, 'PAUSED' as const, 'CLOSED' as const),
        }),
      },
    );
    const own = await openEpoch();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), fc.integer({ min: 0, max: 5 }), async (calls, total) => {
        const campaignId = ulid();
        let current = terms(campaignId, { total });
        let sequence = 0;
        const claims = new Map<string, { claimId: string; sequence: number; pending: boolean }>();
        await gate.openCampaign(own, current);
        for (const step of calls) {
          switch (step.do) {
            case 'claim': {
              const claim = request(campaignId, step.user);
              const held = claims.get(step.user);
              const expected =
                held !== undefined
                  ? {
                      kind: 'duplicate',
                      record: { claimId: held.claimId, sequence: held.sequence },
                      pending: held.pending,
                    }
                  : current.state !== 'OPEN'
                    ? { kind: `campaign-${current.state.toLowerCase()}` }
                    : claims.size >= current.total
                      ? { kind: 'sold-out', final: [...claims.values()].every(({ pending }) => !pending) }
                      : { kind: 'admitted', sequence: sequence + 1 };
              expect(await gate.claim(own, claim)).toMatchObject(expected);
              if (expected.kind !== 'admitted') break;
              sequence += 1;
              claims.set(step.user, { claimId: claim.claimId, sequence, pending: true });
              break;
            }
            case 'release':
            case 'clear': {
              const held = claims.get(step.user);
              const claimId = step.stale || held === undefined ? ulid() : held.claimId;
              const reference = { campaignId, userId: step.user, claimId };
              const hit = held?.claimId === claimId;
              if (step.do === 'clear') {
                await gate.clearPending(own, [reference]);
                if (hit) held.pending = false;
              } else {
                expect(await gate.release(own, reference)).toEqual({ kind: hit ? 'released' : 'gone' });
                if (hit) claims.delete(step.user);
              }
              break;
            }
            case 'change': {
              const next = { ...current, total: step.total, version: step.version, state: step.state };
              const expected =
                next.version <= current.version
                  ? 'older'
                  : next.total < claims.size
                    ? 'total-below-claimed'
                    : 'changed';
              expect(await gate.changeTerms(own, next)).toEqual({ kind: expected });
              if (expected === 'changed') current = next;
              break;
            }
          }
          expect(await gaugeOf(campaignId, own)).toMatchObject({
            terms: current,
            claimed: claims.size,
            sequence,
            pending: [...claims.values()].filter(({ pending }) => pending).length,
          });
        }
      }),
      { numRuns: 150 },
    );
  });
}
