import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { KeyedHash } from '../../platform/values/keyed-hash.js';
import { type EntryCampaign } from '../../ports/database/campaign-store.js';
import { Database } from '../../ports/database/database.js';
import { type InstallationKey } from '../../ports/database/installation-key-store.js';
import { type EntryKeys } from '../../ports/entry/challenge-verifier.js';
import { EntryCheck, type EntryVerdict } from '../../ports/entry/entry-check.js';
import { entryFault } from './entry-token.js';

/** From the end of one read to the next, ms: how late an api learns that a campaign requires an entry. */
const READ_INTERVAL_MS = 1_000;
/** A new key signs only after this time, ms, by the database's clock: every api has read it by then. */
const SIGNS_AFTER_MS = 10_000;

/** What the database said at one instant. */
interface Page {
  readonly campaigns: ReadonlyMap<string, EntryCampaign>;
  readonly keys: ReadonlyMap<string, InstallationKey>;
  /** The same keys, as tokens are verified. */
  readonly hashes: ReadonlyMap<string, KeyedHash>;
  readonly signing: InstallationKey | null;
}

/**
 * The campaigns that require an entry and the keys of entry tokens, as this api last read them. It reads once a second,
 * so a change counts at every api within a second and the time of one read. While the database does not answer, the
 * last page counts, as the last epoch does.
 */
@Injectable()
export class EntryBook extends EntryCheck implements EntryKeys, BeforeApplicationShutdown {
  private readonly outage: OutageLog;
  private readonly reads: PeriodicTask;
  private page: Page | null = null;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    super();
    this.outage = new OutageLog(new Logger(EntryBook.name), clock);
    this.reads = new PeriodicTask(timers, READ_INTERVAL_MS, () => this.read());
  }

  /** Await it before the process listens. A database that is away stops no start: claims are refused until it is read. */
  async start(): Promise<void> {
    await this.read();
    this.reads.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.reads.stop();
  }

  override judge(campaignId: string, userId: string, token: string | undefined): EntryVerdict {
    if (this.page === null) return 'unknown';
    const campaign = this.page.campaigns.get(campaignId);
    if (campaign === undefined) return 'admitted';
    const { challenge } = campaign;
    return entryFault(token, { campaignId, userId, challenge }, this.page.hashes, this.clock.wall()) ?? 'admitted';
  }

  /** What the campaign asks for, if it requires an entry. */
  termsOf(campaignId: string): EntryCampaign | undefined {
    return this.page?.campaigns.get(campaignId);
  }

  get signing(): InstallationKey | null {
    return this.page?.signing ?? null;
  }

  find(id: string): InstallationKey | undefined {
    return this.page?.keys.get(id);
  }

  private async read(): Promise<void> {
    try {
      this.page = await this.database.read(async (unit) => {
        const campaigns = await unit.campaigns.requiringEntry();
        const keys = await unit.installationKeys.keysFor('entry');
        const now = await unit.now();
        return {
          campaigns: new Map(campaigns.map((campaign) => [campaign.id, campaign])),
          keys: new Map(keys.map((key) => [key.id, key])),
          hashes: new Map(keys.map(({ id, secret }) => [id, new KeyedHash(secret)])),
          signing: keys.find(({ createdAt }) => createdAt <= now - SIGNS_AFTER_MS) ?? keys.at(-1) ?? null,
        };
      });
      this.outage.recovered('it is known again which campaigns require an entry');
    } catch (error) {
      this.outage.failed(`which campaigns require an entry cannot be read: ${(error as Error).message}`);
    }
  }
}
