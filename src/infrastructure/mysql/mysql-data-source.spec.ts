import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from '../../ports/database/database-error.js';
import { asInfrastructure } from './mysql-data-source.js';

describe('an error of a connection to the database', () => {
  it.each([
    ['ER_ACCESS_DENIED_ERROR', "Access denied for user 'coupon'@'10.0.0.7' (using password: YES)"],
    ['ER_DBACCESS_DENIED_ERROR', "Access denied for user 'coupon'@'%' to database 'coupons'"],
    ['ER_BAD_DB_ERROR', "Unknown database 'coupons'"],
  ])('names the variable that is to be corrected: %s', (code, message) => {
    const error = asInfrastructure(Object.assign(new Error(message), { code }));
    expect([error.kind, error.code, error.message]).toEqual(['infrastructure', code, `DATABASE_URL: ${message}`]);
  });

  it('says what happened where no variable is wrong, and stays as it is when it is known', () => {
    const away = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:3306'), { code: 'ECONNREFUSED' });
    expect(asInfrastructure(away).message).toBe('connect ECONNREFUSED 10.0.0.1:3306');
    const known = new DatabaseError('infrastructure', 'ER_BAD_DB_ERROR', 'known');
    expect(asInfrastructure(known)).toBe(known);
  });
});
