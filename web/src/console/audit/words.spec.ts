import { expect, it } from '@jest/globals';
import { changesOf } from './words.ts';

it('an entry of the audit log says what it changed, and leaves out what stayed', () => {
  const detail = {
    version: 3,
    reason: '고객 요청',
    before: { total: 100, endsAt: null, name: '정오' },
    after: { total: 200, endsAt: 1_764_000_000_000, name: '정오' },
  };
  expect(changesOf(detail)).toEqual([
    { name: 'version', after: 3 },
    { name: 'reason', after: '고객 요청' },
    { name: 'total', before: 100, after: 200 },
    { name: 'endsAt', before: null, after: 1_764_000_000_000 },
  ]);
});

it('an entry of another form is shown as it is', () => {
  expect(changesOf({})).toEqual([]);
  expect(changesOf({ before: 'x', wanted: { from: 1 } })).toEqual([{ name: 'wanted', after: { from: 1 } }]);
  expect(changesOf({ after: { role: 'viewer' } })).toEqual([{ name: 'role', before: null, after: 'viewer' }]);
});
