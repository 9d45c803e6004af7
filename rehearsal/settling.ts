import { type Beginning } from './beginning.js';
import { type Judgement, judge, type RehearsalEvidence } from './promises.js';
import { type IssuedCoupon, type ServiceApi } from './service-api.js';

/** What the callers know; the rest of the evidence is asked of the service. */
export type Heard = Omit<
  RehearsalEvidence,
  | 'coupons'
  | 'discarded'
  | 'unfinished'
  | 'pending'
  | 'drift'
  | 'epochs'
  | 'termsChanged'
  | 'before'
  | 'shared'
  | 'total'
>;

export interface Settled {
  readonly judgement: Judgement;
  readonly coupons: readonly IssuedCoupon[];
  /** The gate was rebuilt during the rehearsal. */
  readonly rebuilt: boolean;
  /** The operator did not wait until the deadline. */
  readonly gaveUp: boolean;
}

const BETWEEN_LOOKS_MS = 500;
/** Failed events in these states wait for nothing. */
const FINISHED: ReadonlySet<string> = new Set(['RESOLVED', 'DISCARDED']);

/**
 * Judges until every promise is kept, or until the deadline.
 * @throws the last error, if the service does not answer until then.
 */
export async function settle(
  api: ServiceApi,
  beginning: Beginning,
  heard: Heard,
  withinMs: number,
  stop: AbortSignal,
): Promise<Settled> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const isLast = performance.now() > deadline || stop.aborted;
    const settled = await look(api, beginning, heard, isLast).catch((error: unknown) => {
      if (isLast) throw error;
      return null;
    });
    if (settled !== null && (settled.judgement.kept || isLast)) {
      return { ...settled, gaveUp: stop.aborted && !settled.judgement.kept };
    }
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
  }
}

/** @returns null while claims are on their way, unless this is the last look. */
async function look(
  api: ServiceApi,
  { campaign, made, before, epoch }: Beginning,
  heard: Heard,
  isLast: boolean,
): Promise<Omit<Settled, 'gaveUp'> | null> {
  const audit = await api.audit(campaign.id);
  const unfinished = Object.entries(audit.failed).reduce(
    (sum, [status, count]) => (FINISHED.has(status) ? sum : sum + count),
    0,
  );
  if (!isLast && (audit.pending !== 0 || unfinished > 0)) return null;
  const coupons = await api.coupons(campaign.id);
  const [discarded, epochNow, campaignNow] = await Promise.all([
    api.discarded(campaign.id),
    api.epoch(),
    api.campaign(campaign.id),
  ]);
  const judgement = judge({
    ...heard,
    coupons,
    discarded,
    unfinished,
    // A gate that cannot be asked may hold anything.
    pending: audit.pending ?? 1,
    drift: audit.drift,
    epochs: [epoch, epochNow],
    termsChanged: campaignNow?.version !== campaign.version,
    total: campaign.total,
    before,
    shared: !made,
  });
  return { judgement, coupons, rebuilt: epoch !== epochNow };
}
