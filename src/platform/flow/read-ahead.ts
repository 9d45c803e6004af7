/** Reads up to a page of rows behind this one; null: the first page. */
export type ReadPage<Row> = (after: Row | null) => Promise<readonly Row[]>;

/**
 * All rows, page after page. While the caller works on a page, the next one is being read. A page with fewer rows than
 * `size` is the last one.
 */
export async function* readAhead<Row>(read: ReadPage<Row>, size: number): AsyncGenerator<readonly Row[]> {
  let next: Promise<readonly Row[]> | null = read(null);
  try {
    while (next !== null) {
      const page: readonly Row[] = await next;
      const last = page.at(-1);
      next = last !== undefined && page.length >= size ? read(last) : null;
      // It may reject before the caller asks for it.
      next?.catch(() => undefined);
      yield page;
    }
  } finally {
    // A caller that gives up must not end a unit of work while its connection is busy.
    await next?.catch(() => undefined);
  }
}
