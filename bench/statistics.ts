/** The middle value; of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** The median in bold and the range of all rounds. `digits` of the fraction; by default as many as the size needs. */
export function medianWithRange(values: readonly number[], digits?: number): string {
  const shown = (value: number): string => (digits === undefined ? show(value) : value.toFixed(digits));
  return `**${shown(median(values))}** (${shown(Math.min(...values))}–${shown(Math.max(...values))}, ${values.length} rounds)`;
}

export function show(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2);
}
