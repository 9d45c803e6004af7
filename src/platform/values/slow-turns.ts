/**
 * Gives turns to a few of many, round after round, until all had theirs. The ids of a round come in ascending order; they
 * may change between rounds.
 */
export class SlowTurns {
  private lastId = '';
  private left = 0;

  /** @param perRound how many have their turn in one round. */
  constructor(private readonly perRound: number) {}

  begin(): void {
    this.left = this.perRound;
  }

  /** @returns whether it is the turn of this id in this round. */
  take(id: string): boolean {
    if (this.left === 0 || id <= this.lastId) return false;
    this.left -= 1;
    this.lastId = id;
    return true;
  }

  /** Call it when the round has passed all ids: after the last one, the next round begins with the first. */
  end(): void {
    if (this.left > 0) this.lastId = '';
  }
}
