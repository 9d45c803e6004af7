import { effect } from '@preact/signals';
import { kept } from './browser.ts';
import { type Drop } from './drop.ts';
import { askForToken, listenForToken } from './embedding.ts';
import { keepToken, nameOf, tokenFromAddress } from './token.ts';

const NAME = 'coupon.name';
/** The rule of the API for users. */
const USER_ID = /^(?!\.{1,2}$)[A-Za-z0-9._@|:+=~-]{1,128}$/;

export const isName = (text: string): boolean => USER_ID.test(text);

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
  keepToken(token);
  const known = drop.who.peek();
  if (known?.kind === 'token' && nameOf(known.token) === nameOf(token)) drop.renewToken(token);
  else drop.identify({ kind: 'token', token }, nameOf(token));
}

// Before anything else is done: the address is open for everybody who looks at the screen.
const given = tokenFromAddress();

/** Finds out for whom the page claims, as soon as the service has said how that is done there. @returns ends it. */
export function identifyFor(drop: Drop): () => void {
  let stopListening = (): void => undefined;
  let isDone = false;
  const stopWaiting = effect(() => {
    const service = drop.service.value;
    if (service === null || isDone) return;
    isDone = true;
    const name = keptName();
    // A person who has typed a name since is not asked again: that would take the outcome off the page.
    if (service.identity === 'open' && name !== null && drop.who.peek() === null) identifyByName(drop, name);
    if (service.identity !== 'jwt') return;
    if (given !== null) identifyByToken(drop, given);
    stopListening = listenForToken(service.embeddingOrigins, (token) => identifyByToken(drop, token));
    askForToken();
  });
  const stopPreparing = effect(() => {
    if (drop.campaign.value?.requireEntry === true && drop.who.value !== null) void drop.prepareEntry();
  });
  return () => {
    stopWaiting();
    stopPreparing();
    stopListening();
  };
}
