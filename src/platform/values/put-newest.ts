/**
 * Puts an entry behind all others of the map, and forgets the first ones beyond `most`. So the map stays ordered by when
 * its entries were put, the oldest first, and takes bounded memory whatever callers send.
 */
export function putNewest<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
