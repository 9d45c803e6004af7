/** What is claimed: claims at the gate, or coupons once the campaign has left it; null while that is not known. */
export function takenOf({ total, remaining }: { total: number; remaining: number | null }): number | null {
  return remaining === null ? null : total - remaining;
}
