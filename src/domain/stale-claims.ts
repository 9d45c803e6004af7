/** Where the log ended, by partition, when the epochs below the cut's own were over. */
interface Cut {
  readonly offsets: ReadonlyMap<number, number>;
}

/**
 * Does a claim event that has no coupon lie behind the end of its own epoch?
 *
 * The cut of an epoch is where the log ended when the epochs below it were over and no 202 under them could be sent any
 * more. What arrives behind it was never promised, and the rebuilt gate has forgotten it: its slot may belong to
 * somebody else by now. The consumer and the rebuild must decide alike, or one of them honours what the other gave away;
 * therefore both ask here.
 *
 * @param cutAbove what `GateRowStore.cutAbove` says of the event's own epoch. null: that epoch is not over, or its
 * builder stored no cut, and the event counts.
 * @param partition a partition that the cut does not name did not exist when it was taken: its cut is 0.
 */
export function isStaleClaim(cutAbove: Cut | null, partition: number, offset: number): boolean {
  // mutant: no-cut
  return cutAbove !== null && offset >= (cutAbove.offsets.get(partition) ?? 0);
}
