import { describe, expect, it } from '@jest/globals';
import { type CallMix, MANNERS, partOf, planCalls } from './call-plan.js';

const MIX: CallMix = {
  users: 10_000,
  arrival: { kind: 'steady', seconds: 10 },
  duplicates: 0.1,
  slowClients: 0.02,
  hangUps: 0.03,
  think: { least: 100, most: 500 },
  seed: 5,
};

describe('the plan of all calls', () => {
  const plan = planCalls(MIX);
  const count = (...manners: readonly string[]) =>
    [...plan.manner].filter((manner) => manners.includes(MANNERS[manner]!)).length;

  it('has each user once, and as many others as were asked for', () => {
    expect(new Set(plan.user).size).toBe(MIX.users);
    expect(count('press', 'slow', 'hang-up')).toBe(MIX.users);
    expect(count('again', 'other-tab') / MIX.users).toBeCloseTo(0.1, 1);
    expect(count('again')).toBeGreaterThan(0);
    expect(count('other-tab')).toBeGreaterThan(0);
    expect(count('slow') / MIX.users).toBeCloseTo(0.02, 2);
    expect(count('hang-up') / MIX.users).toBeCloseTo(0.03, 2);
  });

  it('is in the order in which calls are due, and a second press follows the first by the time to think', () => {
    expect([...plan.due]).toEqual([...plan.due].sort((a, b) => a - b));
    const first = new Map<number, number>();
    for (const [call, user] of plan.user.entries()) {
      const due = plan.due[call]!;
      const before = first.get(user);
      if (before === undefined) {
        first.set(user, due);
        continue;
      }
      expect(due - before).toBeGreaterThanOrEqual(100);
      expect(due - before).toBeLessThanOrEqual(500);
    }
  });

  it('is the same with the same seed', () => {
    expect(planCalls(MIX)).toEqual(plan);
    expect(planCalls({ ...MIX, seed: 6 }).due).not.toEqual(plan.due);
  });

  it('is shared out among threads, and a user stays with one', () => {
    const parts = [0, 1, 2].map((part) => partOf(plan, part, 3));
    expect(parts.reduce((sum, { due }) => sum + due.length, 0)).toBe(plan.due.length);
    for (const [part, { user }] of parts.entries()) {
      expect([...user].every((one) => one % 3 === part)).toBe(true);
    }
  });
});
