import { describe, expect, it } from '@jest/globals';
import { type Approval, isApproval } from './approval.ts';
import { bar, factsOf, nameToType, numbersOf } from './words.ts';

const asked = (over: Partial<Approval>): Approval =>
  ({
    action: 'campaign.close',
    subject: 'noon',
    neededRole: 'operator',
    order: { version: 2 },
    consequences: {},
    requestedBy: { id: 'kim', name: 'kim' },
    ...over,
  }) as Approval;

it('an answer that waits for a second operator is told from one that is done', () => {
  expect(isApproval(asked({}))).toBe(true);
  for (const done of [{ id: 'noon', state: 'CLOSED' }, { changed: 1, refused: {}, left: 0 }, undefined, null, '']) {
    expect(isApproval(done)).toBe(false);
  }
});

describe('what the second operator sees of', () => {
  const seen = (approval: Approval) => [
    numbersOf(approval).map(({ value, of }) => `${value} ${of.en}`),
    factsOf(approval).map(({ name, value }) => `${name.en}: ${value}`),
  ];

  it('a close is its numbers, also one that was not known', () => {
    const consequences = { total: 10, newTotal: null, claimed: null, unissued: 1, slotsClosed: 7 };
    expect(seen(asked({ consequences }))).toEqual([
      [
        'null admitted claims stay, and become coupons',
        '1 of these are still being issued',
        '7 slots are closed: nobody gets them',
      ],
      [],
    ]);
  });

  it('a lowering is both totals, and everything else that the same order changes', () => {
    const order = { version: 2, change: { total: 7, name: 'less', endsAt: 1_764_000_000_000 } };
    const consequences = { total: 9, newTotal: 7, claimed: 3, unissued: 0, slotsClosed: 2 };
    expect(seen(asked({ action: 'campaign.change', order, consequences }))).toEqual([
      [
        '9 is the total now',
        '7 is the new total',
        '3 admitted claims stay, and become coupons',
        '2 slots are closed: nobody gets them',
      ],
      ['Name: less', 'End: 2025-11-24T16:00:00.000Z'],
    ]);
  });

  it('a discard is how many, and why', () => {
    const many = asked({
      action: 'failed-events.discard',
      order: { status: 'DEAD', expected: 3, reason: 'fraud' },
      consequences: { count: 3, claims: 2, unreadable: 1 },
    });
    expect(seen(many)).toEqual([
      ['3 failed events are discarded', '2 claims become no coupons, for good'],
      ['State: DEAD', 'Reason: fraud'],
    ]);
    const one = asked({
      action: 'failed-event.discard',
      order: { version: 1, reason: 'fraud' },
      consequences: { count: 1, claims: 1, status: 'PENDING' },
    });
    expect(seen(one)).toEqual([['1 claims become no coupons, for good'], ['State: PENDING', 'Reason: fraud']]);
  });

  it('a key is its name, its role and its end', () => {
    const consequences = { name: 'choi', role: 'operator', expiresAt: null };
    expect(seen(asked({ action: 'key.create', consequences }))).toEqual([
      [],
      ['Name: choi', 'Role: operator', 'Expires: null'],
    ]);
  });
});

it('what cannot be undone asks for the name that the first operator had to type', () => {
  expect(nameToType(asked({}))).toBe('noon');
  expect(nameToType(asked({ consequences: { name: 'Lunch' } }))).toBe('Lunch');
  expect(nameToType(asked({ action: 'key.revoke', consequences: { name: 'choi' } }))).toBe('choi');
  expect(nameToType(asked({ action: 'failed-event.discard' }))).toBeUndefined();
});

it('a request is approved by another operator, who has the role', () => {
  const all = () => true;
  expect(bar(asked({}), 'park', all)).toBeNull();
  expect(bar(asked({}), 'kim', all)).toBe('own');
  expect(bar(asked({ neededRole: 'admin' }), 'park', (role) => role !== 'admin')).toBe('role');
});
