import { type Random, randomFrom } from '../random.js';
import { type Arrival, momentsOf } from './arrivals.js';

/** How a call is made. */
export const MANNERS = ['press', 'again', 'other-tab', 'slow', 'hang-up'] as const;
/**
 * - `press`: the first press of the button.
 * - `again`: the same user presses twice, with the same Idempotency-Key.
 * - `other-tab`: the same user presses in a second tab, which has another Idempotency-Key.
 * - `slow`: the request comes byte after byte, for two seconds.
 * - `hang-up`: the caller closes the connection and waits for no answer.
 */
export type Manner = (typeof MANNERS)[number];

/** Calls in the order in which they are due. Column by column, so that threads can hand them over. */
export interface CallPlan {
  /** ms from the beginning. */
  readonly due: Float64Array;
  /** The number of the user. */
  readonly user: Uint32Array;
  /** Indexes of {@link MANNERS}. */
  readonly manner: Uint8Array;
}

/** What the calls are made of. Parts are 0 to 1. */
export interface CallMix {
  readonly users: number;
  readonly arrival: Arrival;
  /** The part of the users who press twice. */
  readonly duplicates: number;
  readonly slowClients: number;
  readonly hangUps: number;
  /** How long a user waits before the next press, ms. */
  readonly think: Span;
  readonly seed: number;
}

/** From `least` to `most`, ms. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

export function drawn({ least, most }: Span, random: Random): number {
  return least + (most - least) * random();
}

/** The same mix and seed make the same plan. */
export function planCalls({ users, arrival, duplicates, slowClients, hangUps, think, seed }: CallMix): CallPlan {
  const random = randomFrom(seed);
  const moments = momentsOf(arrival, users, random);
  const calls: { due: number; user: number; manner: Manner }[] = [];
  for (let user = 0; user < users; user++) {
    const due = moments[user]!;
    const draw = random();
    const manner = draw < slowClients ? 'slow' : draw < slowClients + hangUps ? 'hang-up' : 'press';
    calls.push({ due, user, manner });
    if (random() >= duplicates) continue;
    calls.push({ due: due + drawn(think, random), user, manner: random() < 0.5 ? 'again' : 'other-tab' });
  }
  calls.sort((a, b) => a.due - b.due || a.user - b.user);
  return {
    due: Float64Array.from(calls, ({ due }) => due),
    user: Uint32Array.from(calls, ({ user }) => user),
    manner: Uint8Array.from(calls, ({ manner }) => MANNERS.indexOf(manner)),
  };
}

/** The part of the plan that one of `parts` threads carries out. A user stays with one thread. */
export function partOf({ due, user, manner }: CallPlan, part: number, parts: number): CallPlan {
  const mine = [...user.keys()].filter((call) => user[call]! % parts === part);
  return {
    due: Float64Array.from(mine, (call) => due[call]!),
    user: Uint32Array.from(mine, (call) => user[call]!),
    manner: Uint8Array.from(mine, (call) => manner[call]!),
  };
}
