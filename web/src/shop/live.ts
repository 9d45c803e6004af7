import { type Schemas } from '../api/client.ts';
import { BASE } from '../shared/paths.ts';
import { takePlace } from './browser.ts';
import { isEmbedded } from './embedding.ts';

/** How long the page asks by itself before it tries to watch again, ms, after it got no place to watch. */
const AGAIN_MS = 30_000;
/**
 * Streams that all pages of this service in one browser hold open together. Over HTTP/1.1 a browser opens six connections
 * to one origin: with a stream on each, no claim would leave it.
 */
const STREAMS = 2;

/**
 * Watches a campaign while the page can be seen: the service says what has changed, so that nobody need ask. Where there is
 * no place for one more watcher, or a proxy cuts the stream, the page asks from time to time as before.
 */
export class LiveCampaign {
  private source: EventSource | null = null;
  private release: (() => void) | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;
  private isWanted = false;
  private isOpening = false;
  private isOnScreen = !isEmbedded;

  constructor(
    private readonly campaignId: string,
    private readonly take: (sample: Schemas['PublicLiveSample']) => void,
  ) {}

  /** Do samples come? Then the page need not ask. */
  get isOn(): boolean {
    return this.source?.readyState === EventSource.OPEN;
  }

  /** Watches while somebody looks. A page with an open stream could not be kept for the way back. */
  follow(signal: AbortSignal): void {
    const look = (): void => {
      this.isWanted = document.visibilityState === 'visible' && this.isOnScreen;
      if (this.isWanted) void this.open();
      else this.close();
    };
    const leave = (): void => {
      this.isWanted = false;
      this.close();
    };
    document.addEventListener('visibilitychange', look, { signal });
    addEventListener('pagehide', leave, { signal });
    addEventListener('pageshow', look, { signal });
    signal.addEventListener('abort', leave);
    if (isEmbedded) {
      // A frame further down in the shop's page is not looked at.
      const observer = new IntersectionObserver((entries) => {
        this.isOnScreen = entries.at(-1)?.isIntersecting ?? false;
        look();
      });
      observer.observe(document.documentElement);
      signal.addEventListener('abort', () => observer.disconnect());
    }
    look();
  }

  private async open(): Promise<void> {
    if (this.source !== null || this.isOpening) return;
    clearTimeout(this.again);
    this.isOpening = true;
    const release = await takePlace('coupon.stream', STREAMS);
    this.isOpening = false;
    if (!this.isWanted) return release?.();
    // Without locks a frame cannot know of the other frames in its page. A window shows one page.
    if (release === null || (release === undefined && isEmbedded)) return this.tryAgain();
    this.release = release ?? null;
    const source = new EventSource(`${BASE}api/campaigns/${this.campaignId}/live`);
    this.source = source;
    source.onmessage = ({ data }: MessageEvent<string>) => this.take(JSON.parse(data) as Schemas['PublicLiveSample']);
    source.onerror = () => {
      // A stream that was cut is opened again by the browser; one that was refused is not.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.close();
      this.tryAgain();
    };
  }

  private tryAgain(): void {
    clearTimeout(this.again);
    this.again = setTimeout(() => void this.open(), AGAIN_MS * (1 + Math.random()));
  }

  private close(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
    this.release?.();
    this.release = null;
  }
}
