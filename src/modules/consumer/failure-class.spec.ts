import { describe, expect, it } from '@jest/globals';
import { DatabaseError, type DatabaseErrorKind } from '../../ports/database/database-error.js';
import { type FailureClass, failureClassOf } from './failure-class.js';

describe('failure class', () => {
  it.each<[DatabaseErrorKind, FailureClass]>([
    ['duplicate', 'duplicate'],
    ['infrastructure', 'infrastructure'],
    ['data', 'suspect'],
    ['unknown', 'suspect'],
  ])('of a database error of kind %s is %s', (kind, failureClass) => {
    expect(failureClassOf(new DatabaseError(kind, 'CODE', 'message'))).toBe(failureClass);
  });

  it.each([new TypeError('x is undefined'), new Error('anything'), 'a string', undefined])(
    'of what is no database error is a defect of ours',
    (error) => {
      expect(failureClassOf(error)).toBe('defect');
    },
  );
});
