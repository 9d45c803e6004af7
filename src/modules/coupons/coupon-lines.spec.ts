import { describe, expect, it } from '@jest/globals';
import { type NewCoupon } from '../../ports/database/coupon-store.js';
import { CouponLines, type CouponLinesOptions } from './coupon-lines.js';

const COUPON: NewCoupon = {
  campaignId: 'default',
  userId: 'alice',
  claimId: '01JZ8Q4V8Y6T4W1S3N5M7K9H2C',
  code: 'ABCD',
  sequence: 7,
  claimedAt: Date.UTC(2026, 11, 1, 3),
  idempotencyDigest: 'secret',
  createdAt: Date.UTC(2026, 11, 1, 3, 0, 1),
};

function text(
  coupons: NewCoupon[],
  format: 'csv' | 'ndjson',
  options: CouponLinesOptions = { withCodes: true, withClaimIds: true },
): string {
  const lines = new CouponLines(format, options);
  return lines.header() + lines.of(coupons);
}

describe('exported coupons', () => {
  it('are lines of CSV under a header', () => {
    expect(text([COUPON], 'csv')).toBe(
      'campaignId,userId,claimId,code,sequence,claimedAt,issuedAt\r\n' +
        'default,alice,01JZ8Q4V8Y6T4W1S3N5M7K9H2C,ABCD,7,2026-12-01T03:00:00.000Z,2026-12-01T03:00:01.000Z\r\n',
    );
    expect(text([], 'csv')).toBe('campaignId,userId,claimId,code,sequence,claimedAt,issuedAt\r\n');
  });

  it('are JSON objects, one a line, without what is not for others', () => {
    expect(JSON.parse(text([COUPON], 'ndjson'))).toEqual({
      campaignId: 'default',
      userId: 'alice',
      claimId: COUPON.claimId,
      code: 'ABCD',
      sequence: 7,
      claimedAt: '2026-12-01T03:00:00.000Z',
      issuedAt: '2026-12-01T03:00:01.000Z',
    });
    expect(text([COUPON, COUPON], 'ndjson').split('\n')).toHaveLength(3);
    expect(text([], 'ndjson')).toBe('');
  });

  it('have Korean names and a byte order mark for a Korean spreadsheet', () => {
    expect(text([], 'csv', { withCodes: true, withClaimIds: true, language: 'ko' })).toBe(
      '\uFEFF캠페인 ID,사용자 ID,신청 ID,쿠폰 코드,순번,신청 시각,발급 시각\r\n',
    );
  });

  it.each(['csv', 'ndjson'] as const)('say no code to who may not see it: %s', (format) => {
    expect(text([COUPON], format)).toContain('ABCD');
    expect(text([COUPON], format, { withCodes: false, withClaimIds: true })).not.toMatch(/ABCD|code/);
    expect(text([COUPON], format, { withCodes: false, withClaimIds: true, language: 'ko' })).not.toMatch(
      /ABCD|code|코드/,
    );
  });

  it.each(['csv', 'ndjson'] as const)('name no claim to who could open its code by it: %s', (format) => {
    expect(text([COUPON], format)).toContain(COUPON.claimId);
    expect(text([COUPON], format, { withCodes: false, withClaimIds: false })).not.toMatch(/01JZ|claimId/);
  });

  it.each([
    ['-2+3', "'-2+3"],
    ['=1', "'=1"],
    ['+1', "'+1"],
    ['@sum', "'@sum"],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a-b', 'a-b'],
  ])('never become a formula, and stay one cell: %j', (userId, cell) => {
    expect(text([{ ...COUPON, userId }], 'csv')).toContain(`\r\ndefault,${cell},01JZ`);
  });
});
