import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EPOCH } from '../../../test/support/claims.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { until } from '../../../test/support/until.js';
import { SystemClock } from '../../platform/flow/clock.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { KnownCampaigns } from './known-campaigns.js';

/** The machine's clock, which a test sets forward. */
class SteeredClock extends SystemClock {
  ahead = 0;

  override monotonic(): number {
    return super.monotonic() + this.ahead;
  }
}

describe('whether a campaign exists', () => {
  let stack: EmbeddedStack;
  let campaigns: KnownCampaigns;
  let clock: SteeredClock;
  let reads: number;
  let thaw: () => void;
  let pass: GatePass;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    pass = await openEpoch(stack, EPOCH);
    await storeCampaign(stack, { id: 'young' });
    clock = new SteeredClock();
    campaigns = new KnownCampaigns(stack.database, stack.gate, clock, systemTimers);
    const frozen = new Promise<void>((resolve) => (thaw = resolve));
    const read = stack.database.read.bind(stack.database);
    reads = 0;
    stack.database.read = async (work) => {
      reads += 1;
      await frozen;
      return read(work);
    };
  });
  afterEach(async () => {
    thaw();
    await stack.close();
  });

  const answerOf = (campaignId: string) => {
    const seen: { answer?: unknown } = {};
    campaigns.explain(pass, campaignId, 'meta-missing').then(
      (meaning) => (seen.answer = meaning),
      (error: unknown) => (seen.answer = error),
    );
    return seen;
  };

  it('ends as with a database that is away while the database is silent, for a sent question and a waiting one', async () => {
    const asked = answerOf('invented');
    await until('the database is asked', () => reads === 1);
    const waiting = answerOf('another');
    for (const seen of [asked, waiting]) {
      const error = await until('an answer', () => seen.answer);
      expect(error).toMatchObject({ kind: 'infrastructure', problemCode: 'database-unavailable' });
    }
    expect(reads).toBe(1);
    thaw();
    expect(await campaigns.explain(pass, 'invented', 'meta-missing')).toBe('campaign-not-found');
    expect(await campaigns.explain(pass, 'young', 'meta-missing')).toBe('opening');
    // The question has opened it.
    expect(await stack.gate.lookUp(pass, 'young', 'u')).toEqual({ kind: 'absent' });
  });

  it('takes no more questions than it can hold, and answers later ones as a database that is away', async () => {
    campaigns = new KnownCampaigns(stack.database, stack.gate, new SetClock(), new SetTimers());
    const asked = Array.from({ length: 5_600 }, (_, index) => answerOf(`invented-${index}`));
    await until('somebody is refused', () => asked.find(({ answer }) => answer !== undefined));
    expect(asked.at(-1)?.answer).toMatchObject({ kind: 'infrastructure', problemCode: 'database-unavailable' });
    expect(asked[0]?.answer).toBeUndefined();
    thaw();
    await until('everybody has an answer', () => asked.every(({ answer }) => answer !== undefined));
  });

  it('is asked once for all concurrent callers, also when an earlier question is given up in between', async () => {
    const first = answerOf('invented');
    await until('the database is asked', () => reads === 1);
    clock.ahead = 1_001;
    const second = campaigns.explain(pass, 'invented', 'meta-missing');
    await until('the first is given up', () => first.answer);
    const third = campaigns.explain(pass, 'invented', 'meta-missing');
    expect(third).toBe(second);
    clock.ahead = 0;
    thaw();
    expect(await third).toBe('campaign-not-found');
    expect(reads).toBe(2);
  });

  it('is not asked when the gate knows the campaign and its memory is damaged', async () => {
    expect(await campaigns.explain(pass, 'young', 'count-mismatch')).toBe('fenced');
    expect(reads).toBe(0);
  });
});
