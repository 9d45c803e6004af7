import { z } from 'zod';
import { type Rate } from '../rates/rate.js';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_COUNT = 1_000_000;
const MAX_WINDOW_MS = 24 * 3_600_000;

/** Undefined for a text that is no rate, or none that anybody can mean. */
function parseRate(text: string): Rate | undefined {
  const [, count = '', length = '', unit = ''] = /^([1-9]\d{0,6})\/([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
  const rate = { count: Number(count), windowMs: Number(length) * (UNIT_MS[unit] ?? NaN) };
  return rate.count <= MAX_COUNT && rate.windowMs <= MAX_WINDOW_MS && rate.count > 0 ? rate : undefined;
}

/** A rate such as 10/10s; `off` becomes null. */
export const rateVariable = z
  .string()
  .refine((text) => text === 'off' || parseRate(text) !== undefined, {
    error: `off, or a number of claims from 1 to ${MAX_COUNT} in a time from 1s to 24h, such as 10/10s or 600/1m`,
  })
  .transform((text): Rate | null => parseRate(text) ?? null);

/** Claims per second, such as 2000; `off` becomes null. */
export const perSecondVariable = z
  .string()
  .refine((text) => text === 'off' || (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= MAX_COUNT), {
    error: `off, or a number of claims per second from 1 to ${MAX_COUNT}`,
  })
  .transform((text): number | null => (text === 'off' ? null : Number(text)));
