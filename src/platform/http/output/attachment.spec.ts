import { expect, it } from '@jest/globals';
import { attachment } from './attachment.js';

/** As a browser reads it. */
const nameOf = (header: string): string => decodeURIComponent(/filename\*=UTF-8''(\S+)$/.exec(header)?.[1] ?? '');

it('a file has the name that people know it by, and one for clients that know no other letters', () => {
  expect(attachment('coupons-noon', '정오의 쿠폰', 'csv')).toBe(
    `attachment; filename="coupons-noon.csv"; filename*=UTF-8''coupons-noon-${encodeURIComponent('정오의 쿠폰')}.csv`,
  );
});

it.each([
  ['a/b\\c', 'x-a_b_c.csv'],
  ['"; filename="evil.exe', 'x-__; filename=_evil.exe.csv'.replace('__', '_')],
  ["it's (50%)*!", "x-it's (50_)_!.csv"],
  ['../../etc', 'x-.._.._etc.csv'],
  ['a\u202eb', 'x-a_b.csv'],
])('of the name %j nothing leaves the header or the folder', (name, file) => {
  const header = attachment('x', name, 'csv');
  expect(header).toMatch(/^[\x20-\x7e]+$/);
  expect(header.split(';')).toHaveLength(3);
  expect(nameOf(header)).toBe(file);
});

it('a long name is cut between letters', () => {
  expect(nameOf(attachment('x', '🎟'.repeat(60), 'csv'))).toBe(`x-${'🎟'.repeat(50)}.csv`);
});
