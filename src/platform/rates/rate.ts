/** So many calls within so long. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
}
