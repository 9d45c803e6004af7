import { type Schemas } from '../api/client.ts';
import { BASE } from '../shared/paths.ts';

/** How long the page asks by itself before it tries to watch again, ms, after the service had no place for it. */
const AGAIN_MS = 30_000;

/**
 * Watches a campaign while the page can be seen: the service says what has changed, so that nobody need ask. Where it has
 * no place for one more watcher, or a proxy cuts the stream, the page asks from time to time as before.
 */
export class LiveCampaign {
  private source: EventSource | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;

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
    const look = (): void => (document.visibilityState === 'visible' ? this.open() : this.close());
    document.addEventListener('visibilitychange', look, { signal });
    addEventListener('pagehide', () => this.close(), { signal });
    addEventListener('pageshow', look, { signal });
    signal.addEventListener('abort', () => this.close());
    look();
  }

  private open(): void {
    if (this.source !== null) return;
    clearTimeout(this.again);
    const source = new EventSource(`${BASE}api/campaigns/${this.campaignId}/live`);
    this.source = source;
    source.onmessage = ({ data }: MessageEvent<string>) => this.take(JSON.parse(data) as Schemas['PublicLiveSample']);
    source.onerror = () => {
      // A stream that was cut is opened again by the browser; one that was refused is not.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.close();
      this.again = setTimeout(() => this.open(), AGAIN_MS * (1 + Math.random()));
    };
  }

  private close(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }
}
