import { describe, expect, it } from '@jest/globals';
import { StartupError } from '../../platform/config/startup-error.js';
import { addressOf } from './mysql-settings.js';

describe('DATABASE_URL', () => {
  it('names host, port, user, password and database', () => {
    expect(addressOf({ url: 'mysql://coupon:secret@db.example:3307/coupons' })).toEqual({
      host: 'db.example',
      port: 3307,
      username: 'coupon',
      password: 'secret',
      database: 'coupons',
    });
  });

  it('is percent-decoded', () => {
    const password = `p@ss:w/o?r#d%25 &'"\\쿠폰`;
    const [user, database] = ['us@er', 'cou-pon'];
    const url = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@h/${encodeURIComponent(database)}`;
    expect(addressOf({ url })).toEqual({ host: 'h', port: 3306, username: user, password, database });
  });

  it('may name an IPv6 address, and no password', () => {
    expect(addressOf({ url: 'mysql://root@[::1]/coupons' })).toMatchObject({ host: '::1', port: 3306, password: '' });
  });

  it('that is not percent-encoded is refused without being shown', () => {
    for (const url of ['mysql://coupon:100%secret@db/coupons', 'no secret at all']) {
      expect(() => addressOf({ url })).toThrow(StartupError);
      expect(() => addressOf({ url })).toThrow(/^DATABASE_URL: (?!.*secret)/);
    }
  });
});
