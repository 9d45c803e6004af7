/** The page in a frame of a shop's page. `web/src/embed/embed.ts` is the other end. */

export const isEmbedded = window.parent !== window;

/** To whatever page shows this one: the policy of the service lets nobody else than the listed origins. No secret here. */
const tellParent = (message: object): void => {
  if (isEmbedded) window.parent.postMessage(message, '*');
};

/** Asks the page around for the token of its user. */
export const askForToken = (): void => tellParent({ type: 'coupon:token?' });

/**
 * Takes tokens from the page around.
 * @param origins from which they are taken.
 * @returns ends it.
 */
export function listenForToken(origins: readonly string[], take: (token: string) => void): () => void {
  const ended = new AbortController();
  addEventListener(
    'message',
    ({ source, origin, data }: MessageEvent<{ type?: unknown; token?: unknown } | null>) => {
      if (source !== window.parent || !isEmbedded || !origins.includes(origin)) return;
      if (data?.type === 'coupon:token' && typeof data.token === 'string') take(data.token);
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
