import { describe, expect, it } from '@jest/globals';
import { ClaimRecords } from './claim-record.ts';
import { ClaimRun, type ClaimView, type ClaimWorld, type Status } from './claim-run.ts';
import { type Answer } from './claim-steps.ts';

const claim = { claimId: 'c', sequence: 4, claimedAt: '2026-12-01T00:00:00.000Z' };
const issued: Status = { kind: 'ISSUED', claim, code: 'CODE', issuedAt: '2026-12-01T00:00:01.000Z' };
const AWAY: Answer = { status: null };

/** A browser with tabs, and a service that gives these answers one after the other. */
function browser(answers: readonly Answer[], statuses: readonly Status[] = [issued]) {
  const content = new Map<string, string>();
  const asked: string[] = [];
  const stale: boolean[] = [];
  const waits: number[] = [];
  const [nextAnswers, nextStatuses] = [[...answers], [...statuses]];
  let turn = Promise.resolve();
  let made = 0;
  const entries: { token: string }[] = [];
  const tab = (whileAsking: () => void = () => undefined) => {
    const seen: ClaimView[] = [];
    const world: ClaimWorld = {
      claim: (key) => {
        asked.push(key);
        whileAsking();
        const answer = nextAnswers.shift();
        // A test that asks more often than it has answers gets no answer at all.
        return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer);
      },
      status: () => Promise.resolve(nextStatuses.shift() ?? issued),
      enter: (isStale) => (
        stale.push(isStale),
        Promise.resolve(entries.shift() ?? { answer: { status: 403, code: 'challenge-failed' } })
      ),
      inTurn: (work) => (turn = turn.then(work)),
      wait: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
      monotonic: () => 0,
      now: () => 1_000,
      random: () => 0,
      show: (view) => seen.push(view),
    };
    const store = {
      getItem: (name: string) => content.get(name) ?? null,
      setItem: (name: string, value: string) => void content.set(name, value),
    };
    const records = new ClaimRecords(store, 'summer/kim', () => `key-${++made}`);
    return { run: new ClaimRun(world, records), records, seen, kinds: () => seen.map(({ kind }) => kind) };
  };
  const settled = async () => {
    for (let turns = 0; turns < 200; turns++) await Promise.resolve();
  };
  return { tab, asked, waits, entries, stale, settled };
}

describe('a claim', () => {
  it('is accepted, followed, and shown with its code when it is issued', async () => {
    const { tab, asked, settled } = browser([{ status: 202, claim }], [{ kind: 'PENDING', claim }, issued]);
    const { run, seen } = tab();
    run.press();
    run.press();
    await settled();
    expect(asked).toEqual(['key-1']);
    expect(seen).toEqual([
      { kind: 'asking' },
      { kind: 'asking' },
      { kind: 'accepted', claim },
      { kind: 'issued', claim, code: 'CODE', issuedAt: '2026-12-01T00:00:01.000Z' },
    ]);
  });

  it('is asked again with its key until there is an outcome, and is no success before the 202', async () => {
    const { tab, asked, waits, settled } = browser([
      AWAY,
      { status: 503, code: 'claim-unconfirmed', retryAfter: 2 },
      { status: 429, code: 'too-many-requests', retryAfter: 7 },
      { status: 202, claim },
    ]);
    const { run, kinds } = tab();
    run.press();
    await settled();
    expect(asked).toEqual(['key-1', 'key-1', 'key-1', 'key-1']);
    expect(waits.slice(0, 3)).toEqual([250, 2_000, 7_000]);
    expect(kinds().indexOf('accepted')).toBe(kinds().length - 2);
  });

  it('goes on after its page was left in the middle', async () => {
    const one = browser([
      { status: 202, claim },
      { status: 202, claim },
    ]);
    const first = one.tab(() => first.run.stop());
    first.run.press();
    await one.settled();
    expect([first.kinds().at(-1), first.records.read()?.pressedAt]).toEqual(['asking', 1_000]);
    const second = one.tab();
    second.run.resume();
    await one.settled();
    expect(one.asked).toEqual(['key-1', 'key-1']);
    expect(second.kinds().at(-1)).toBe('issued');
  });

  it('of two tabs is one request, and both show it', async () => {
    const { tab, asked, settled } = browser([{ status: 202, claim }], [issued, issued]);
    const [first, second] = [tab(), tab()];
    first.run.press();
    second.run.press();
    await settled();
    expect(asked).toHaveLength(1);
    expect([first.kinds().at(-1), second.kinds().at(-1)]).toEqual(['issued', 'issued']);
  });

  it('is refused once for both tabs, and can be tried again', async () => {
    const { tab, asked, settled } = browser([
      { status: 403, code: 'challenge-failed' },
      { status: 202, claim },
    ]);
    const [first, second] = [tab(), tab()];
    first.run.press();
    second.run.press();
    await settled();
    expect([asked.length, first.seen.at(-1), second.seen.at(-1)]).toEqual([
      1,
      { kind: 'refused', code: 'challenge-failed' },
      { kind: 'refused', code: 'challenge-failed' },
    ]);
    second.run.press();
    await settled();
    expect([asked, second.kinds().at(-1)]).toEqual([['key-1', 'key-1'], 'issued']);
  });

  it('gets a token of the entry first where one is required, and gives up where it gets none', async () => {
    const required: Answer = { status: 403, code: 'entry-required' };
    const { tab, asked, entries, stale, settled } = browser([required, required, { status: 202, claim }]);
    entries.push({ token: 'token-1' }, { token: 'token-2' });
    const { run, kinds } = tab();
    run.press();
    await settled();
    expect([asked, stale]).toEqual([
      ['key-1', 'key-1', 'key-1'],
      [false, true],
    ]);
    expect(kinds().slice(0, 6)).toEqual(['asking', 'asking', 'proving', 'asking', 'proving', 'asking']);
    const other = browser([required]);
    const { run: unlucky, seen } = other.tab();
    unlucky.press();
    await other.settled();
    expect(seen.at(-1)).toEqual({ kind: 'refused', code: 'challenge-failed' });
  });

  it('that the same person has made elsewhere is taken up', async () => {
    const { tab, settled } = browser([{ status: 409, code: 'already-claimed', claim }]);
    const { run, kinds } = tab();
    run.press();
    await settled();
    expect(kinds().at(-1)).toBe('issued');
    const { claimId: _, ...withoutId } = claim;
    const other = browser([{ status: 409, code: 'already-claimed', claim: withoutId }]);
    const { run: stranger, seen } = other.tab();
    stranger.press();
    await other.settled();
    expect(seen.at(-1)).toEqual({ kind: 'refused', code: 'already-claimed', claim: withoutId });
  });

  it('says what became of a claim that did not become a coupon', async () => {
    const failed: Status = { kind: 'FAILED', claim };
    const one = browser([{ status: 202, claim }], [failed, { kind: 'unknown', retryAfter: 9 }, issued]);
    const { run, kinds } = one.tab();
    run.press();
    await one.settled();
    expect([kinds().slice(-3), one.waits]).toEqual([
      ['accepted', 'failed', 'issued'],
      [22_500, 6_750],
    ]);
    const other = browser([{ status: 202, claim }], [{ kind: 'absent' }, { kind: 'absent' }]);
    const { run: discarded, seen } = other.tab();
    discarded.press();
    await other.settled();
    expect(seen.at(-1)).toEqual({ kind: 'gone', claim });
  });

  it('ends when the person no longer waits', async () => {
    const one = browser([{ status: 409, code: 'sold-out', final: false, retryAfter: 5 }]);
    const { run, seen, records } = one.tab(() => queueMicrotask(() => queueMicrotask(() => run.giveUp())));
    run.press();
    await one.settled();
    expect([seen.at(-1), records.read()?.pressedAt, one.asked.length]).toEqual([{ kind: 'none' }, null, 1]);
  });
});
