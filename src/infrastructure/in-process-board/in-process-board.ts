import { ProcessBoard, type ProcessIdentity, type ProcessReport } from '../../ports/live/process-board.js';

/** The board of the embedded profile: one process writes, and the same one reads. */
export class InProcessBoard extends ProcessBoard {
  private last: ProcessReport | null = null;

  override write(_installation: string, report: ProcessReport): Promise<void> {
    this.last = report;
    return Promise.resolve();
  }

  override read(_installation: string, campaignIds: readonly string[]): Promise<ProcessReport[]> {
    if (this.last === null) return Promise.resolve([]);
    const { campaigns, ...rest } = this.last;
    const asked = campaignIds.flatMap((id) => {
      const counts = campaigns.get(id);
      return counts === undefined ? [] : [[id, counts] as const];
    });
    return Promise.resolve([{ ...rest, campaigns: new Map(asked) }]);
  }

  override withdraw(_installation: string, { id }: ProcessIdentity): Promise<void> {
    if (this.last?.process.id === id) this.last = null;
    return Promise.resolve();
  }
}
