/**
 * Shows a drop in a shop's own page:
 * `<script async src="https://coupons.example/embed.js" data-campaign="summer" data-token="couponToken"></script>`.
 * `data-token` names a function of the page that returns the user's token, or a promise of it. docs/embedding.md has the
 * messages.
 *
 * It is a script of its own, in one function: the page that loads it gets no new name.
 */
(() => {
  const script = document.currentScript as HTMLScriptElement | null;
  const campaign = script?.dataset['campaign'];
  if (!script || !campaign) return;
  const address = new URL(`drop/${encodeURIComponent(campaign)}`, script.src);
  const frame = document.createElement('iframe');
  frame.src = address.href;
  frame.title = script.dataset['title'] ?? '선착순 쿠폰 · Coupon';
  frame.allow = 'clipboard-write';
  frame.style.cssText = 'display:block;width:100%;height:720px;border:0;color-scheme:auto';
  // Only to the service itself: a page that came into the frame otherwise gets no token.
  const tell = (message: object): void => frame.contentWindow?.postMessage(message, address.origin);
  const tokenNow = async (): Promise<string | null> => {
    try {
      const source = script.dataset['token'];
      const give = source === undefined ? undefined : (window as unknown as Record<string, unknown>)[source];
      const token: unknown = typeof give === 'function' ? await (give as () => unknown)() : give;
      // Anything but the three parts of a token, such as the shop's page for the sign-in, is none.
      return typeof token === 'string' && /^[\w-]+(\.[\w-]+){2}$/.test(token) ? token : null;
    } catch {
      return null;
    }
  };
  // Also without a token: the frame forgets who was signed in before.
  const handOver = async (): Promise<void> => tell({ type: 'coupon:token', token: await tokenNow() });
  let isShown = false;
  addEventListener('message', ({ source, origin, data }: MessageEvent<Message | null>) => {
    if (source !== frame.contentWindow || origin !== address.origin) return;
    if (data?.type === 'coupon:token?') void handOver();
    if (data?.type === 'coupon:height') {
      isShown = true;
      frame.style.height = `${Number(data.height)}px`;
    }
    if (data?.type === 'coupon:state') {
      const { phase, claim, reason } = data;
      script.dispatchEvent(new CustomEvent('coupon:state', { bubbles: true, detail: { phase, claim, reason } }));
    }
  });
  // A browser does not say that it refused to show a page in a frame.
  const replaceIfEmpty = (): void => {
    if (isShown) return;
    const link = document.createElement('a');
    link.href = address.href;
    link.textContent = frame.title;
    frame.replaceWith(link);
  };
  frame.addEventListener('load', () => setTimeout(replaceIfEmpty, 10_000), { once: true });
  const place = (): void => {
    // A frame in the head would be shown nowhere.
    if (script.closest('head') === null) script.after(frame);
    else document.body.append(frame);
  };
  if (document.readyState === 'loading' && script.closest('head') !== null) {
    document.addEventListener('DOMContentLoaded', place);
  } else {
    place();
  }

  interface Message {
    readonly type?: string;
    readonly height?: number;
    readonly phase?: string;
    readonly claim?: string;
    readonly reason?: string | null;
  }
})();
