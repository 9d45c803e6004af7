import { z } from 'zod';
import { MAX_CAMPAIGN_TOTAL } from '../../domain/campaign.js';
import { isoOf } from '../../domain/iso-of.js';
import { CLAIM_REFUSALS, type ClaimRefusal } from '../../domain/refusals.js';
import { campaignId } from '../../platform/http/input/schemas.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { quantileMs } from '../../ports/live/time-buckets.js';
import { type CampaignReading } from './campaign-readings.js';
import { type Rates, type Traffic } from './traffic-meter.js';

const campaignState = z.enum(['SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED', 'ENDED']);

type CountedRefusal = {
  [Kind in ClaimRefusal]: (typeof CLAIM_REFUSALS)[Kind] extends null ? never : Kind;
}[ClaimRefusal];

const COUNTED_REFUSALS = (Object.keys(CLAIM_REFUSALS) as ClaimRefusal[]).filter(
  (kind): kind is CountedRefusal => CLAIM_REFUSALS[kind] !== null,
);

const at = z
  .int()
  .min(0)
  .meta({ description: 'When this was so: ms since 1970, by the clock that decides about claims.' });
const coupons = (description: string) => z.int().min(0).max(MAX_CAMPAIGN_TOTAL).nullable().meta({ description });
const perSecond = (description: string) =>
  z
    .number()
    .min(0)
    .meta({ description: `${description}, per second.` });
const soldOutAt = isoInstant.nullable().meta({
  description: 'Since when every coupon is issued; null while one is left, or admitted and not issued yet.',
});
const remaining = coupons('What is left of the stock; null while the gate cannot be trusted or reached.');

/** What every caller may watch. */
export const publicLiveSampleJsonSchema = z
  .object({
    at,
    state: campaignState,
    remaining,
    soldOutAt,
    total: z.int().min(1).max(MAX_CAMPAIGN_TOTAL).meta({ description: 'The stock, in coupons.' }),
    startsAt: isoInstant,
    endsAt: isoInstant.nullable().meta({ description: 'null: without an end.' }),
    version: z.int().min(1).meta({ description: 'Rises with every change of the campaign.' }),
  })
  .meta({ id: 'PublicLiveSample', description: 'A campaign at one instant, as every caller may watch it.' });

const times = (description: string) =>
  z
    .object({
      count: z.int().min(0).meta({ description: 'How many were timed.' }),
      p50: z.number().min(0).nullable().meta({ description: 'ms; null without any.' }),
      p99: z.number().min(0).nullable().meta({ description: 'ms; null without any.' }),
    })
    .meta({ description: `${description} In the last ten seconds, over all processes.` });

const rates = {
  claims: perSecond('Claims that were answered 202 for the first time'),
  refused: perSecond('Claims that were refused, whatever the reason'),
  issued: perSecond('Coupons that were stored'),
};

const refusals = z
  .object(
    Object.fromEntries(COUNTED_REFUSALS.map((kind) => [kind, z.number().min(0)])) as Record<
      CountedRefusal,
      z.ZodNumber
    >,
  )
  .meta({ description: 'Refused claims per second, by the code of the answer.' });

const liveProcess = z
  .object({
    instance: z.string().meta({ description: 'The machine or container, and the process id there.' }),
    roles: z.array(z.string()),
    version: z.string(),
    startedAt: isoInstant.meta({ description: 'By the clock of its machine.' }),
    rates: z
      .object(rates)
      .nullable()
      .meta({ description: 'What it did for this campaign; null until it was seen twice.' }),
  })
  .meta({ id: 'LiveProcess' });

/** What operators may watch. */
export const liveSampleJsonSchema = z
  .object({
    at,
    campaignId,
    state: campaignState.nullable().meta({ description: 'null while the database does not answer.' }),
    total: coupons('The stock, in coupons; null while the database does not answer.'),
    claimed: coupons(
      'Claims that hold a slot at the gate, or coupons once the campaign has left it; null as `remaining`.',
    ),
    remaining,
    pending: coupons('Of the claims, those that were not seen in the database yet; null as `remaining`.'),
    oldestPendingMs: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: 'Age of the oldest of them, ms; null when there is none, and as `remaining`.' }),
    issued: coupons('Coupons that are stored; null while the database does not answer.'),
    soldOutAt,
    drift: z.int().min(0).nullable().meta({
      description:
        'By how many claims and coupons gate and database disagree; null until it was measured, as every 30 s.',
    }),
    driftAgeMs: z.int().min(0).nullable().meta({ description: 'How old `drift` is, ms.' }),
    rates: z
      .object({ ...rates, replayed: perSecond('Repeated calls that were answered with their first 202'), refusals })
      .nullable()
      .meta({
        description: 'Of all processes together; null until one was seen twice, a second after the first sample.',
      }),
    claimMs: times('How long answers to claims took, from the last byte of the headers; refusals too.'),
    acceptToRowMs: times('How long claims took from the gate’s yes to the stored coupon.'),
    processes: z.array(liveProcess).meta({ description: 'Those that have written in the last 5 s, by instance.' }),
    unavailable: z.array(z.enum(['gate', 'database', 'processes'])).meta({
      description:
        'What did not answer for this sample. Without `processes`, rates and times are those of one process alone.',
    }),
    replayed: z.boolean().meta({
      description: 'A sample from before the connection, for charts. Its `processes` are left out.',
    }),
  })
  .meta({ id: 'LiveSample', description: 'A campaign at one instant, with what all processes do for it.' });

export type PublicLiveSampleJson = z.infer<typeof publicLiveSampleJsonSchema>;
export type LiveSampleJson = z.infer<typeof liveSampleJsonSchema>;

/** The last known drift of a campaign. */
export interface MeasuredDrift {
  readonly drift: number;
  readonly ageMs: number;
}

/** null while the campaign or its state cannot be read: there is nothing to show then. */
export function publicLiveSampleJson(reading: CampaignReading): PublicLiveSampleJson | null {
  const { at, campaign, state, remaining } = reading;
  if (campaign === null || state === null) return null;
  const { total, startsAt, endsAt, version } = campaign;
  const terms = { total, startsAt: isoOf(startsAt), endsAt: isoOf(endsAt), version };
  return { at, state, remaining, soldOutAt: isoOf(campaign.soldOutAt), ...terms };
}

export function liveSampleJson(
  campaignId: string,
  reading: CampaignReading,
  traffic: Traffic,
  drift: MeasuredDrift | null,
): LiveSampleJson {
  const { at, state, campaign, claimed, remaining, pending, oldestPendingAt } = reading;
  return {
    at,
    campaignId,
    state,
    total: campaign?.total ?? null,
    claimed,
    remaining,
    pending,
    oldestPendingMs: oldestPendingAt === null ? null : Math.max(0, at - oldestPendingAt),
    issued: campaign?.issued ?? null,
    soldOutAt: isoOf(campaign?.soldOutAt ?? null),
    drift: drift?.drift ?? null,
    driftAgeMs: drift === null ? null : Math.round(drift.ageMs),
    rates: traffic.rates === null ? null : { ...ratesJson(traffic.rates), ...outcomesJson(traffic.rates) },
    claimMs: timesJson(traffic.claimTimes),
    acceptToRowMs: timesJson(traffic.rowTimes),
    processes: traffic.processes.map(({ process, rates: own }) => ({
      instance: process.instance,
      roles: [...process.roles],
      version: process.version,
      startedAt: isoOf(process.startedAt),
      rates: own === null ? null : ratesJson(own),
    })),
    unavailable: [...reading.unavailable, ...(traffic.complete ? [] : (['processes'] as const))],
    replayed: false,
  };
}

function ratesJson({ claims, refused, issued }: Rates): NonNullable<LiveSampleJson['processes'][number]['rates']> {
  return { claims: tenths(claims), refused: tenths(refused), issued: tenths(issued) };
}

function outcomesJson({ replayed, refusals: byLabel }: Rates): {
  replayed: number;
  refusals: Record<CountedRefusal, number>;
} {
  const byKind = COUNTED_REFUSALS.map((kind) => [kind, tenths(byLabel[CLAIM_REFUSALS[kind]] ?? 0)] as const);
  return { replayed: tenths(replayed), refusals: Object.fromEntries(byKind) as Record<CountedRefusal, number> };
}

function timesJson(counts: readonly number[]): LiveSampleJson['claimMs'] {
  const quantile = (part: number): number | null => {
    const ms = quantileMs(counts, part);
    return ms === null ? null : tenths(ms);
  };
  return { count: counts.reduce((sum, count) => sum + count, 0), p50: quantile(0.5), p99: quantile(0.99) };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
