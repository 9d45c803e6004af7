import { type StockLook } from '../oracle/told.js';
import { now } from './load/clock.js';
import { type StockMoment } from './report.js';
import { type ServiceApi } from './service-api.js';

/** Between two looks, ms: an api shows a stock that is up to a second old. */
const LOOK_MS = 500;

/**
 * How old a stock may be that is shown, ms: an api keeps it for a second, and stalls now and then. Behind one address there
 * may be several apis.
 */
const STALE_MS = 2_000;

/** Looks at the stock of a campaign until it is told to end. */
export class StockWatch {
  readonly looks: StockLook[] = [];
  private ended = false;
  private wake = (): void => undefined;
  private readonly watching: Promise<void>;

  constructor(
    private readonly api: ServiceApi,
    private readonly campaignId: string,
    private readonly url: string,
  ) {
    this.watching = this.watch();
  }

  async end(): Promise<void> {
    this.ended = true;
    this.wake();
    await this.watching;
  }

  /** What was shown from the beginning of the load on. */
  moments(start: number): StockMoment[] {
    return this.looks
      .filter(({ heard }) => heard >= start)
      .map(({ heard, remaining }) => ({ at: heard - start, remaining }));
  }

  private async watch(): Promise<void> {
    while (!this.ended) {
      // A service that is away shows nothing, and the load tells of it.
      await this.look().catch(() => undefined);
      if (this.ended) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** A look counts if the same epoch was open before and after it. */
  private async look(): Promise<void> {
    const epoch = await this.api.epoch();
    const asked = now();
    const campaign = await this.api.campaign(this.campaignId);
    const heard = now();
    if (epoch === null || campaign === null || campaign.remaining === null) return;
    if ((await this.api.epoch()) !== epoch) return;
    const { version, remaining } = campaign;
    this.looks.push({ url: this.url, epoch, version, remaining, asked: asked - STALE_MS, heard });
  }
}
