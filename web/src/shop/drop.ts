import { signal } from '@preact/signals';
import { api, type Schemas } from '../api/client.ts';
import { BASE_PATH } from '../shared/paths.ts';
import { inTurn, kept, randomKey, waitAwake } from './browser.ts';
import { withRead, withSample } from './campaign-reading.ts';
import { DeviceSleep } from './device-sleep.ts';
import { isEmbedded } from './embedding.ts';
import { EntryPreparation } from './entry-preparation.ts';
import { Entry } from './entry.ts';
import { LiveCampaign } from './live.ts';
import { claimCoupon, retryAfterOf, statusOf, type Who } from './calls.ts';
import { ClaimRecords, isUnfinished } from './claim-record.ts';
import { ClaimRun, type ClaimView } from './claim-run.ts';
import { retryDelayMs } from './claim-steps.ts';
import { pauseBeforeRead, type Phase, phaseOf, untilNextLook } from './page-phase.ts';
import { ServiceClock } from './service-clock.ts';
import { TokenRenewal } from './token-renewal.ts';

const monotonic = (): number => performance.now();

/** How often the two clocks are compared while nothing happens, ms. */
const COMPARE_MS = 300_000;
/** The last comparison before the start lies in this part of the last minute, ms before it: not all at once. */
const LAST_COMPARISON = { from: 50_000, to: 15_000 };

/** One campaign on the page: what is known of it, by the service's clock, and the claim of the person who looks. */
export class Drop {
  /** undefined: not read yet; null: there is none. */
  readonly campaign = signal<Schemas['Campaign'] | null | undefined>(undefined);
  readonly service = signal<Schemas['Service'] | null>(null);
  /** Is the service of another version than when the page was opened? */
  readonly isOutdated = signal(false);
  readonly phase = signal<Phase>('unknown');
  /** Until the start, ms; null while it is not known. */
  readonly left = signal<number | null>(null);
  /** The service's instant, ms, to the second; null while it is not known. */
  readonly now = signal<number | null>(null);
  /** How exact the clock is, ms. */
  readonly error = signal<number | null>(null);
  /** Since when the service does not answer, ms of its own clock; null while it does. */
  readonly away = signal<{ readonly since: number | null } | null>(null);
  readonly claim = signal<ClaimView>({ kind: 'none' });
  readonly who = signal<Who | null>(null);

  readonly clock = new ServiceClock(() => this.askInstant(), monotonic);
  private run: ClaimRun | null = null;
  private records: ClaimRecords | null = null;
  private entry: Entry | null = null;
  private readonly renewal = new TokenRenewal();
  private readonly live: LiveCampaign;
  private readonly ended = new AbortController();
  private readonly preparation = new EntryPreparation(() => this.renew(), this.ended.signal);
  /** Whether the campaign's challenge was passed before the sale. */
  readonly entryState = this.preparation.state;
  private look: ReturnType<typeof setTimeout> | undefined;
  private wake = new AbortController();
  private readonly device = new DeviceSleep(Date.now, monotonic);
  private compareAt = 0;
  private comparing = false;

  constructor(readonly id: string) {
    this.live = new LiveCampaign(id, (sample) => {
      const known = this.campaign.value;
      if (!known) return;
      // Its name may have changed with its state, and only the campaign itself has it.
      if (known.state !== sample.state) this.wake.abort();
      this.away.value = null;
      this.campaign.value = withSample(known, sample);
      this.lookAtClock();
    });
  }

  /** Begins to read, and ends with the function that it returns. */
  start(): () => void {
    const { signal } = this.ended;
    const woken = (): void => {
      if (document.visibilityState === 'visible') this.awake();
    };
    document.addEventListener('visibilitychange', woken, { signal });
    addEventListener('pageshow', ({ persisted }) => persisted && this.awake(), { signal });
    addEventListener('online', () => this.awake(), { signal });
    addEventListener('storage', ({ key }) => key === this.records?.name && this.recordChanged(), { signal });
    void this.keepReading();
    this.live.follow(signal);
    this.tick();
    return () => {
      this.ended.abort();
      clearTimeout(this.look);
      this.run?.stop();
    };
  }

  /** The person says, or proves, who they are. What the browser knows of their claim is taken up again. */
  identify(who: Who, name: string): void {
    this.run?.stop();
    this.preparation.forget();
    this.claim.value = { kind: 'none' };
    const records = new ClaimRecords(kept, `coupon.claim${BASE_PATH}${this.id}/${name}`, randomKey);
    this.records = records;
    const { id } = this;
    const whoNow = (): Who => this.who.value ?? who;
    const entry = new Entry(id, whoNow, () => this.clock.now() ?? 0);
    this.entry = entry;
    const run = new ClaimRun(
      {
        claim: async (key) => {
          const answer = await claimCoupon(id, whoNow(), key, entry.token);
          if (answer.code !== 'unauthorized' || !(await this.renew())) return answer;
          return claimCoupon(id, whoNow(), key, entry.token);
        },
        status: async (claim) => {
          const status = await statusOf(id, whoNow(), claim);
          if (status.kind !== 'signed-out' || !(await this.renew())) return status;
          return statusOf(id, whoNow(), claim);
        },
        enter: (isStale) => entry.enter(isStale),
        inTurn: (work) => inTurn(records.name, work),
        wait: waitAwake,
        monotonic,
        now: () => this.about(),
        random: Math.random,
        show: (view) => {
          if (this.run !== run) return;
          const isOffline = view.kind === 'waiting' && view.reason === 'network' && !navigator.onLine;
          this.claim.value = isOffline ? { ...view, reason: 'offline' } : view;
          // The outcome says more of the campaign than was read of it.
          if (view.kind === 'refused' || view.kind === 'accepted') this.wake.abort();
        },
      },
      records,
    );
    this.run = run;
    // Now that there is an entry to prepare.
    this.who.value = who;
    const record = records.read();
    if (record?.claim || isUnfinished(record, this.about())) run.resume();
    else if (who.kind === 'token') void this.lookUp(run, records, who);
  }

  /** The same user has another token: what runs goes on with it. */
  renewToken(token: string): void {
    this.preparation.allowAgain();
    this.who.value = { kind: 'token', token };
    this.renewal.settle(true);
    const view = this.claim.value;
    if (view.kind === 'refused' && view.code === 'unauthorized') this.run?.press();
    if (view.kind === 'signed-out') this.run?.resume();
  }

  /** The page around has no user any more. */
  signOut(): void {
    this.renewal.settle(false);
    this.forgetWho();
  }

  async prepareEntry(): Promise<void> {
    if (this.campaign.value?.requireEntry === true && this.entry !== null) await this.preparation.prepare(this.entry);
  }

  /** For the age of a click alone: an open campaign may be claimed before the service's clock is known. */
  private about(): number {
    return this.clock.now() ?? Date.now();
  }

  /** Asks the page around for a new token. @returns whether one came in time. */
  private renew(): Promise<boolean> {
    if (this.who.value?.kind !== 'token' || !isEmbedded) return Promise.resolve(false);
    return this.renewal.ask();
  }

  /** The user may have claimed elsewhere. */
  private async lookUp(run: ClaimRun, records: ClaimRecords, who: Who): Promise<void> {
    const status = await statusOf(this.id, who, null);
    if (this.run !== run || this.claim.value.kind !== 'none' || !('claim' in status)) return;
    records.accept(status.claim);
    run.resume();
  }

  /** Nobody is named any more. */
  forgetWho(): void {
    this.run?.stop();
    this.run = this.records = this.entry = null;
    this.preparation.forget();
    this.who.value = null;
    this.claim.value = { kind: 'none' };
  }

  /** @returns false where it is too early: then nothing is sent. */
  press(): boolean {
    this.lookAtClock();
    if (this.phase.value === 'scheduled' || this.phase.value === 'unknown') return false;
    this.run?.press();
    return true;
  }

  giveUp(): void {
    this.run?.giveUp();
  }

  /** Another tab has written down something about the claim. */
  private recordChanged(): void {
    const record = this.records?.read() ?? null;
    const { kind } = this.claim.value;
    if (record === null || this.run === null) return;
    const isIdle = kind === 'none' || kind === 'refused';
    if (isIdle ? record.claim !== null || record.pressedAt !== null : kind === 'waiting' && record.pressedAt === null) {
      this.run.resume();
    }
  }

  /** The page was out of sight, asleep, or without a network: what it knows may be old. */
  private awake(): void {
    this.compareAt = 0;
    this.wake.abort();
    this.tick();
  }

  private tick(): void {
    clearTimeout(this.look);
    if (this.ended.signal.aborted) return;
    if (this.device.hasSlept()) {
      this.clock.forget();
      this.compareAt = 0;
    }
    if (monotonic() >= this.compareAt && !this.comparing) void this.compare();
    this.lookAtClock();
    const left = this.left.value;
    this.look = setTimeout(() => this.tick(), left === null ? 250 : untilNextLook(left));
  }

  private lookAtClock(): void {
    const { campaign, clock } = this;
    const [now, surely] = [clock.now(), clock.surely()];
    this.now.value = now === null ? this.now.value : Math.floor(now / 1_000) * 1_000;
    this.error.value = now === null ? null : Math.ceil(clock.error);
    const startsAt = !campaign.value ? null : Date.parse(campaign.value.startsAt);
    // By the sure instant, so that the last look is the one that opens.
    this.left.value = startsAt === null || surely === null ? null : startsAt - surely;
    this.phase.value = phaseOf(campaign.value, surely);
  }

  private async compare(): Promise<void> {
    this.comparing = true;
    try {
      await this.clock.compare();
      const left = this.left.value ?? Infinity;
      const { from, to } = LAST_COMPARISON;
      const last = left - to - Math.random() * (from - to);
      const usual = COMPARE_MS * (0.8 + Math.random() * 0.4);
      this.compareAt = monotonic() + (last > 0 && last < usual ? last : usual);
    } catch {
      this.compareAt = monotonic() + 1_000 + Math.random() * 2_000;
    }
    this.comparing = false;
    this.tick();
  }

  private async askInstant(): Promise<number> {
    const { data } = await api.GET('/api/service', { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
    if (data === undefined) throw new Error('the service does not tell the time');
    if (this.service.value === null) this.service.value = data;
    else if (this.service.value.version !== data.version) this.isOutdated.value = true;
    return Date.parse(data.now);
  }

  /** Reads the campaign again and again, more seldom while nobody looks, while nothing happens, and while it fails. */
  private async keepReading(): Promise<void> {
    const { signal } = this.ended;
    for (let failures = 0; !signal.aborted;) {
      let retryAfter: number | undefined;
      let isAnswered = false;
      try {
        const { data, error, response } = await api.GET('/api/campaigns/{campaignId}', {
          params: { path: { campaignId: this.id } },
          signal: AbortSignal.timeout(8_000),
        });
        const code = (error as { code?: string } | undefined)?.code;
        retryAfter = retryAfterOf(response);
        // "Busy" is an answer: the service is there. What has no code comes from a proxy in front.
        isAnswered = data !== undefined || code === 'busy' || (code !== undefined && response.status < 500);
        if (data !== undefined) this.campaign.value = withRead(this.campaign.value, data);
        else if (code === 'campaign-not-found' || code === 'validation-failed') this.campaign.value = null;
      } catch {
        // No answer.
      }
      if (isAnswered) this.away.value = null;
      else if (this.away.value === null) this.away.value = { since: this.clock.now() ?? this.now.value };
      failures = isAnswered && retryAfter === undefined ? 0 : failures + 1;
      this.tick();
      const isSeldom = document.visibilityState === 'hidden' || this.live.isOn;
      const pause =
        failures > 0
          ? retryDelayMs(failures, retryAfter, Math.random()) * (isSeldom ? 10 : 1)
          : pauseBeforeRead(this.phase.value, this.left.value, isSeldom, Math.random());
      await waitAwake(pause, (this.wake = new AbortController()).signal);
    }
  }
}
