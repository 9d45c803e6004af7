import { type Fields } from '../../domain/claim.js';
import { isoOf } from '../../domain/iso-of.js';
import { type NewCoupon } from '../../ports/database/coupon-store.js';

/** csv: RFC 4180 with a header line. ndjson: one JSON object in each line. */
export type CouponFormat = 'csv' | 'ndjson';

export interface CouponLinesOptions {
  /** Without it, the lines have no column for the code. */
  readonly withCodes: boolean;
  /** Without it, the lines have no column for the claim's id. */
  readonly withClaimIds: boolean;
  /** ko: Korean names in the header of a CSV, and a BOM before it, without which spreadsheets misread them. */
  readonly language?: 'ko' | 'en';
}

/** Without the digest, because it is made of a caller's secret. */
type Line = Fields<Omit<NewCoupon, 'idempotencyDigest' | 'createdAt'> & { issuedAt: number }, string | number>;

/** The columns in their order, with their Korean names. */
const COLUMNS: Fields<Line, string> = {
  campaignId: '캠페인 ID',
  userId: '사용자 ID',
  claimId: '신청 ID',
  code: '쿠폰 코드',
  sequence: '순번',
  claimedAt: '신청 시각',
  issuedAt: '발급 시각',
};

/** Writes coupons as lines, each with its end. */
export class CouponLines {
  private readonly columns: readonly (keyof Line)[];

  constructor(
    private readonly format: CouponFormat,
    private readonly options: CouponLinesOptions,
  ) {
    const columns = Object.keys(COLUMNS) as (keyof Line)[];
    const hidden = new Set<keyof Line>();
    if (!options.withCodes) hidden.add('code');
    if (!options.withClaimIds) hidden.add('claimId');
    this.columns = columns.filter((column) => !hidden.has(column));
  }

  /** What comes before the first coupon. */
  header(): string {
    if (this.format === 'ndjson') return '';
    if (this.options.language !== 'ko') return `${this.columns.join(',')}\r\n`;
    return `\uFEFF${this.columns.map((column) => COLUMNS[column]).join(',')}\r\n`;
  }

  of(coupons: Iterable<NewCoupon>): string {
    let text = '';
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
      text += this.format === 'csv' ? this.csvLine(row) : this.jsonLine(row);
    }
    return text;
  }

  private csvLine(row: Line): string {
    return `${this.columns.map((column) => csvCell(row[column])).join(',')}\r\n`;
  }

  private jsonLine(row: Line): string {
    return `${JSON.stringify(Object.fromEntries(this.columns.map((column) => [column, row[column]])))}\n`;
  }
}

/** Escapes a cell that begins like a formula, because a spreadsheet would run it. A user's id may begin with a hyphen. */
function csvCell(value: string | number): string {
  const text = String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
