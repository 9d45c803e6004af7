import { describe, expect, it } from '@jest/globals';
import { type Failure } from '../../api/attempt.ts';
import { type Approval } from '../approvals/approval.ts';
import { loadInOrder } from './in-order.ts';
import { runBulk } from './run-bulk.ts';
import { answered, type Done, type Progress, runMany } from './run-many.ts';
import { consequenceOf } from './selection.ts';
import { type FailedEvent, type Status } from './words.ts';

const row = (id: number, over: Partial<FailedEvent> = {}): FailedEvent =>
  ({ id, status: 'DEAD', campaignId: 'noon', claimedAt: '2026-12-01T03:00:00.000Z', ...over }) as FailedEvent;
const unreadable = { campaignId: null, claimedAt: null } as const;

describe('what an action on many would do', () => {
  const selected = [
    row(1),
    row(2, { campaignId: 'night' }),
    row(3, { status: 'PENDING' }),
    row(4, { status: 'REPUBLISHED' }),
    row(5, { status: 'RESOLVED' }),
    row(6, unreadable),
  ];

  it('is said as numbers: a requeue is for dead and waiting claims', () => {
    const { rows, left, claims, withoutClaim } = consequenceOf('requeue', selected);
    expect([rows.map(({ id }) => id), left, withoutClaim]).toEqual([[1, 2, 3], 3, 0]);
    expect(claims).toEqual([
      { campaignId: 'noon', count: 2 },
      { campaignId: 'night', count: 1 },
    ]);
  });

  it('is said as numbers: a discard is for all that is not finished', () => {
    const { rows, left, withoutClaim } = consequenceOf('discard', selected);
    expect([rows.map(({ id }) => id), left, withoutClaim]).toEqual([[1, 2, 3, 4, 6], 1, 1]);
  });
});

describe('many calls', () => {
  const refused = (code: string, status: number): Done => ({
    kind: 'refused',
    failure: { kind: 'refused', problem: { code, status, title: code } },
  });
  const away: Failure = { kind: 'unreachable', at: 0, status: null };
  const items = [...Array(40).keys()];
  const run = (call: (item: number) => Done, isStopped = () => false): Promise<Progress> =>
    runMany(
      items,
      (item) => Promise.resolve(call(item)),
      () => undefined,
      isStopped,
    );

  it('count what was done, what waits for a second operator, and each refusal by its code', async () => {
    const progress = await run((item) =>
      item < 5
        ? refused('precondition-failed', 412)
        : item < 8
          ? { kind: 'waits', until: `2026-12-01T03:15:0${item}.000Z` }
          : { kind: 'done' },
    );
    expect(progress).toMatchObject({
      total: 40,
      done: 32,
      waits: 3,
      waitsUntil: '2026-12-01T03:15:05.000Z',
      stopped: null,
    });
    expect(progress.refused.get('precondition-failed')).toBe(5);
    expect(answered(progress)).toBe(40);
  });

  it.each([
    ['the service does not answer', { kind: 'refused', failure: away } as Done],
    ['the database is away', refused('database-unavailable', 503)],
    ['the session is over', refused('unauthorized', 401)],
  ])('end when %s, and leave the rest untried', async (_what, answer) => {
    const progress = await run((item) => (item < 8 ? { kind: 'done' } : answer));
    expect(progress.stopped).not.toBeNull();
    expect(answered(progress)).toBeLessThan(20);
  });

  it('end when the operator says so', async () => {
    let calls = 0;
    const progress = await run(
      () => {
        calls += 1;
        return { kind: 'done' };
      },
      () => calls >= 10,
    );
    expect(progress).toMatchObject({ stopped: 'by-operator' });
    expect(progress.done).toBe(calls);
    expect(calls).toBeLessThan(15);
  });

  it('are a few at a time', async () => {
    let [now, most] = [0, 0];
    const call = async (): Promise<Done> => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
      return { kind: 'done' };
    };
    await runMany(
      items,
      call,
      () => undefined,
      () => false,
    );
    expect(most).toBe(4);
  });
});

describe('all of a filter', () => {
  const answer = (changed: number, left: number, refused: Record<string, number> = {}) => ({
    ok: true as const,
    data: { changed, left, refused },
    response: {} as Response,
  });
  const run = async (answers: readonly ReturnType<typeof answer>[], isStopped = () => false) => {
    const expected: number[] = [];
    const call = (count: number) => {
      const next = answers[expected.push(count) - 1];
      if (next === undefined) throw new Error('one call too many');
      return Promise.resolve(next);
    };
    return { progress: await runBulk(2_500, call, () => undefined, isStopped), expected };
  };

  it('is done call by call, each with the number that the one before has left', async () => {
    const { progress, expected } = await run([answer(1_000, 1_500), answer(1_000, 500), answer(500, 0)]);
    expect(expected).toEqual([2_500, 1_500, 500]);
    expect(progress).toMatchObject({ done: 2_500, stopped: null });
  });

  it('waits for a second operator as a whole, and nothing of it counts as done', async () => {
    const data = { neededRole: 'operator', expiresAt: '2026-12-01T03:15:00.000Z' } as Approval;
    const call = () => Promise.resolve({ ok: true as const, data, response: {} as Response });
    const progress = await runBulk(
      2_500,
      call,
      () => undefined,
      () => false,
    );
    expect(progress).toMatchObject({ done: 0, waits: 2_500, waitsUntil: data.expiresAt, stopped: null });
    expect(answered(progress)).toBe(2_500);
  });

  it('ends when nothing more can be changed, and counts the refused once', async () => {
    const refused = { 'invalid-state': 300 };
    const { progress } = await run([answer(700, 1_800, refused), answer(0, 1_800, refused)]);
    expect(progress).toMatchObject({ done: 700, refused: new Map([['invalid-state', 300]]), stopped: null });
    expect(answered(progress)).toBe(1_000);
  });

  it('ends when the operator says so, and when there are others than were told', async () => {
    expect((await run([answer(1_000, 1_500)], () => true)).progress).toMatchObject({
      done: 1_000,
      stopped: 'by-operator',
    });
    const problem = { code: 'precondition-failed', title: 'x', status: 412 };
    const refusal = { ok: false as const, failure: { kind: 'refused' as const, problem } };
    const progress = await runBulk(
      5,
      () => Promise.resolve(refusal),
      () => undefined,
      () => false,
    );
    expect(progress).toMatchObject({ done: 0, stopped: refusal.failure });
  });
});

describe('lists one behind the other', () => {
  const lists: Partial<Record<Status, readonly (readonly FailedEvent[])[]>> = {
    DEAD: [[row(9), row(8)], [row(7)]],
    PENDING: [],
    REPUBLISHED: [[row(10)]],
  };
  const load = (status: Status, cursor: string | undefined) => {
    const pages = lists[status] ?? [];
    const at = cursor === undefined ? 0 : Number(cursor);
    const nextCursor = at + 1 < pages.length ? String(at + 1) : null;
    return Promise.resolve({
      ok: true as const,
      data: { items: pages[at] ?? [], nextCursor },
      response: {} as Response,
    });
  };

  it('have the dead ones first, and pass over a state without rows', async () => {
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await loadInOrder(['DEAD', 'PENDING', 'PUBLISHING', 'REPUBLISHED'], load, cursor);
      if (!page.ok) throw new Error('refused');
      seen.push(...page.data.items.map(({ id }) => id));
      cursor = page.data.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([9, 8, 7, 10]);
    const whole = await loadInOrder(['PENDING', 'REPUBLISHED'], load, undefined);
    expect(whole).toMatchObject({ ok: true, data: { items: [{ id: 10 }], nextCursor: null } });
  });

  it('say that there is nothing, and what was refused', async () => {
    const none = await loadInOrder(['PENDING', 'PUBLISHING'], load, undefined);
    expect(none).toMatchObject({ ok: true, data: { items: [], nextCursor: null } });
    const failure: Failure = { kind: 'unreachable', at: 0, status: null };
    expect(await loadInOrder(['DEAD'], () => Promise.resolve({ ok: false, failure }), undefined)).toEqual({
      ok: false,
      failure,
    });
  });
});
