/** The page in a frame of a shop's page. `web/src/embed/embed.ts` is the other end. */

export const isEmbedded = typeof window !== 'undefined' && window.parent !== window;

/** The three parts of a token. What else a shop's server answers, such as its page for the sign-in, is none. */
const TOKEN = /^[\w-]+(\.[\w-]+){2}$/;

/** To whatever page shows this one: the policy of the service lets nobody else than the listed origins. No secret here. */
const tellParent = (message: object): void => {
  if (isEmbedded) window.parent.postMessage(message, '*');
};

/** Asks the page around for the token of its user. */
export const askForToken = (): void => tellParent({ type: 'coupon:token?' });

/** Tells the page around what the drop and the claim have come to, without the code and without who claims. */
export const tellState = (phase: string, claim: string, reason: string | null): void =>
  tellParent({ type: 'coupon:state', phase, claim, reason });

/**
 * Takes tokens from the page around, and null where it has no user any more.
 * @param origins from which they are taken.
 * @returns ends it.
 */
export function listenForToken(origins: readonly string[], take: (token: string | null) => void): () => void {
  const ended = new AbortController();
  addEventListener(
    'message',
    ({ source, origin, data }: MessageEvent<{ type?: unknown; token?: unknown } | null>) => {
      if (source !== window.parent || !isEmbedded || !origins.includes(origin)) return;
      if (data?.type !== 'coupon:token') return;
      take(typeof data.token === 'string' && TOKEN.test(data.token) ? data.token : null);
    },
    { signal: ended.signal },
  );
  return () => ended.abort();
}

/** Keeps the frame as high as the page. */
export function tellHeight(of: Element): void {
  if (!isEmbedded) return;
  new ResizeObserver(() => tellParent({ type: 'coupon:height', height: Math.ceil(of.scrollHeight) })).observe(of);
}
