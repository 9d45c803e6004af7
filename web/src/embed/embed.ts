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
  const handOver = async (): Promise<void> => {
    const source = script.dataset['token'];
    const give = source === undefined ? undefined : (window as unknown as Record<string, unknown>)[source];
    const token: unknown = typeof give === 'function' ? await (give as () => unknown)() : give;
    if (typeof token === 'string') tell({ type: 'coupon:token', token });
  };
  addEventListener('message', ({ source, origin, data }: MessageEvent<{ type?: string; height?: number } | null>) => {
    if (source !== frame.contentWindow || origin !== address.origin) return;
    if (data?.type === 'coupon:token?') void handOver();
    if (data?.type === 'coupon:height') frame.style.height = `${Number(data.height)}px`;
  });
  script.after(frame);
})();
