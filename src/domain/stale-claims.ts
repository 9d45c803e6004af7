/** The log's end by partition, taken when the epochs below the cut's own were over. */
interface Cut {
  readonly offsets: ReadonlyMap<number, number>;
}

/**
 * Does a claim event that has no coupon lie behind the end of its own epoch?
 *
 * The cut of an epoch is where the log ended when no 202 under the epochs below it could leave any more. A claim that
 * lies behind the cut was never promised, and the rebuilt gate has forgotten it: its slot may belong to another user by
 * now. The consumer and the rebuild must decide alike, or one honours a claim whose slot the other has given away. So
 * both call this function.
 *
 * @param cutAbove the answer of `GateRowStore.cutAbove` for the event's own epoch. null: no later epoch has a cut, and
 * the event counts.
 * @param partition a partition that the cut does not name did not exist when the cut was taken: its cut is 0.
 */
export function isStaleClaim(cutAbove: Cut | null, partition: number, offset: number): boolean {
  // mutant: no-cut
  return cutAbove !== null && offset >= (cutAbove.offsets.get(partition) ?? 0);
}
