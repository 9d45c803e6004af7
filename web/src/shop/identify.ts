import { effect, untracked } from '@preact/signals';
import { type Schemas } from '../api/client.ts';
import { kept } from './browser.ts';
import { type Drop } from './drop.ts';
import { askForToken, listenForToken } from './embedding.ts';
import { endOf, keptToken, nameOf, tokenFromAddress } from './token.ts';

const NAME = 'coupon.name';
/** The rule of the API for users. */
const USER_ID = /^(?!\.{1,2}$)[A-Za-z0-9._@|:+=~-]{1,128}$/;

export const isName = (text: string): boolean => USER_ID.test(text);

/** A token that ends too soon is asked for again in this part of the last minute, ms before the start. */
const BEFORE_START = { from: 50_000, to: 15_000 };
/** A claim in the crowd of the start may take so long, ms. */
const CROWD_MS = 120_000;

/** Is the sign-in over when the drop starts, or soon after? */
export function endsTooSoon(drop: Drop, token: string): boolean {
  const [end, campaign] = [endOf(token), drop.campaign.value];
  return end !== null && !!campaign && end < Date.parse(campaign.startsAt) + CROWD_MS;
}

/** The name that this browser claimed with last; null without one. */
export function keptName(): string | null {
  const name = kept.getItem(NAME);
  return name !== null && isName(name) ? name : null;
}

export function identifyByName(drop: Drop, userId: string): void {
  kept.setItem(NAME, userId);
  drop.identify({ kind: 'name', userId }, `name:${userId}`);
}

function identifyByToken(drop: Drop, token: string): void {
  const known = drop.who.peek();
  if (known?.kind === 'token' && nameOf(known.token) === nameOf(token)) drop.renewToken(token);
  else drop.identify({ kind: 'token', token }, nameOf(token));
}

// Before anything else is done: the address is open for everybody who looks at the screen.
let given = tokenFromAddress() ?? keptToken();

/** Finds out for whom the page claims, as soon as the service has said how that is done there. @returns ends it. */
export function identifyFor(drop: Drop): () => void {
  const ended = new AbortController();
  let isDone = false;
  const begin = ({ identity, embeddingOrigins }: Schemas['Service']): void => {
    const name = keptName();
    // A person who has typed a name since is not asked again: that would take the outcome off the page.
    if (identity === 'open' && name !== null && drop.who.peek() === null) identifyByName(drop, name);
    if (identity !== 'jwt') return;
    if (given !== null) identifyByToken(drop, given);
    const stop = listenForToken(embeddingOrigins, (token) => {
      if (token === null) drop.signOut();
      else identifyByToken(drop, token);
    });
    ended.signal.addEventListener('abort', stop);
    askForToken();
  };
  const stopWaiting = effect(() => {
    const service = drop.service.value;
    if (service === null || isDone) return;
    isDone = true;
    untracked(() => begin(service));
  });
  // Another link of the shop in this tab changes nothing but what is behind the #.
  const takeLink = (): void => {
    const token = tokenFromAddress();
    if (token === null) return;
    given = token;
    if (drop.service.peek()?.identity === 'jwt') identifyByToken(drop, token);
  };
  addEventListener('hashchange', takeLink, { signal: ended.signal });
  const stopPreparing = effect(() => {
    if (drop.campaign.value?.requireEntry !== true || drop.who.value === null) return;
    // What it reads itself must not run it again: a challenge that fails would be asked for without end.
    untracked(() => void drop.prepareEntry());
  });
  const askAt = BEFORE_START.to + Math.random() * (BEFORE_START.from - BEFORE_START.to);
  let askedWith: string | null = null;
  const stopRenewing = effect(() => {
    const [who, left] = [drop.who.value, drop.left.value];
    if (who?.kind !== 'token' || left === null || left <= 0 || left > askAt || who.token === askedWith) return;
    if (!endsTooSoon(drop, who.token)) return;
    askedWith = who.token;
    askForToken();
  });
  return () => {
    stopWaiting();
    stopRenewing();
    stopPreparing();
    ended.abort();
  };
}
