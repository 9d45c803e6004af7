/** Groups items by their key. Groups and items keep the order in which they came. */
export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  let lastKey: string | null = null;
  let group: T[] = [];
  for (const item of items) {
    const key = keyOf(item);
    // Items of one group mostly come in a row: no look-up for each of them.
    if (key !== lastKey) {
      const known = groups.get(key);
      group = known ?? [];
      if (known === undefined) groups.set(key, group);
      lastKey = key;
    }
    group.push(item);
  }
  return groups;
}
