import { type Fields } from '../../domain/claim.js';
import { isoOf } from '../../domain/iso-of.js';
import { type NewCoupon } from '../../ports/database/coupon-store.js';

/** csv: RFC 4180 with a header line. ndjson: one JSON object in each line. */
export type CouponFormat = 'csv' | 'ndjson';

/** Without the digest, because it is made of a caller's secret. */
type Line = Fields<Omit<NewCoupon, 'idempotencyDigest' | 'createdAt'> & { issuedAt: number }, string | number>;

const COLUMNS = ['campaignId', 'userId', 'claimId', 'code', 'sequence', 'claimedAt', 'issuedAt'] as const;

/** The coupons as lines, each with its end. */
export function* couponLines(coupons: Iterable<NewCoupon>, format: CouponFormat): Generator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  for (const coupon of coupons) {
    const row: Line = {
      campaignId: coupon.campaignId,
      userId: coupon.userId,
      claimId: coupon.claimId,
      code: coupon.code,
      sequence: coupon.sequence,
      claimedAt: isoOf(coupon.claimedAt),
      issuedAt: isoOf(coupon.createdAt),
    };
    yield format === 'csv'
      ? `${COLUMNS.map((column) => csvCell(row[column])).join(',')}\r\n`
      : `${JSON.stringify(row)}\n`;
  }
}

/** Escapes a cell that begins like a formula, because a spreadsheet would run it. A user's id may begin with a hyphen. */
function csvCell(value: string | number): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
