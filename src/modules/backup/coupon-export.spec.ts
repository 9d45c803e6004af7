import { describe, expect, it } from '@jest/globals';
import { type NewCoupon } from '../../ports/database/coupon-store.js';
import { couponLines } from './coupon-export.js';

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

const text = (coupons: NewCoupon[], format: 'csv' | 'ndjson') => [...couponLines(coupons, format)].join('');

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
