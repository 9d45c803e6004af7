/** The log's end by partition, taken when the epochs below the cut's own were over. */
interface Cut {
  readonly offsets: ReadonlyMap<number, number>;
  /** Which log they are of; missing where that was not known. */
  readonly logId?: string;
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
 * On another log than the cut's, every event lies behind the cut: that log was made when the cut's own was gone. An old
 * offset says nothing about it.
 *
 * @param logId names the log that the event lies on; null where that is not known. Then the offsets decide alone.
 * @param partition a partition that the cut does not name did not exist when the cut was taken: its cut is 0.
 */
export function isStaleClaim(
  cutAbove: Cut | null,
  { partition, offset }: { readonly partition: number; readonly offset: number },
  logId: string | null = null,
): boolean {
  // mutant: cut-of-any-log
  if (cutAbove?.logId !== undefined && logId !== null && cutAbove.logId !== logId) return true;
  // mutant: no-cut
  return cutAbove !== null && offset >= (cutAbove.offsets.get(partition) ?? 0);
}
