import { describe, expect, it } from '@jest/globals';
import { readAhead } from './read-ahead.js';

const ROWS = Array.from({ length: 7 }, (_, index) => ({ id: index + 1 }));
type Row = { readonly id: number };
const pageOf = (after: Row | null, size: number) => ROWS.filter(({ id }) => id > (after?.id ?? 0)).slice(0, size);

describe('reading ahead', () => {
  it.each([1, 3, 7, 8])('gives every row once and in order, in pages of %d', async (size) => {
    const seen: { id: number }[] = [];
    for await (const page of readAhead((after: Row | null) => Promise.resolve(pageOf(after, size)), size)) {
      seen.push(...page);
    }
    expect(seen).toEqual(ROWS);
  });

  it('reads the next page while the caller works on this one, and no further', async () => {
    const asked: number[] = [];
    const pages = readAhead((after: Row | null) => {
      asked.push(after?.id ?? 0);
      return Promise.resolve(pageOf(after, 2));
    }, 2);
    await pages.next();
    expect(asked).toEqual([0, 2]);
    await pages.next();
    expect(asked).toEqual([0, 2, 4]);
  });

  it('rejects with what a read rejects with, when the caller gets there', async () => {
    const pages = readAhead(
      (after: Row | null) => (after === null ? Promise.resolve(pageOf(null, 2)) : Promise.reject(new Error('away'))),
      2,
    );
    expect((await pages.next()).value).toEqual(pageOf(null, 2));
    await expect(pages.next()).rejects.toThrow('away');
  });

  it('waits for the read under way when the caller gives up', async () => {
    let finish = () => undefined as void;
    const pages = readAhead(
      (after: Row | null) =>
        after === null
          ? Promise.resolve(pageOf(null, 2))
          : new Promise<never>((_resolve, reject) => (finish = () => reject(new Error('away')))),
      2,
    );
    let over = false;
    const giveUp = (async () => {
      for await (const _page of pages) throw new Error('no more');
    })().finally(() => (over = true));
    giveUp.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    finish();
    await expect(giveUp).rejects.toThrow('no more');
  });
});
