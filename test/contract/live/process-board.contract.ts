import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CampaignCounts } from '../../../src/ports/live/live-counters.js';
import { type ProcessBoard, type ProcessReport } from '../../../src/ports/live/process-board.js';

export interface ProcessBoardHarness {
  readonly board: ProcessBoard;
  close(): Promise<void>;
}

const OWN = 'one';

const countsOf = (accepted: number): CampaignCounts => ({
  outcomes: { accepted, sold_out: 7 },
  issued: 2,
  claimTimes: [0, 3, 1],
  rowTimes: [2],
});

export function reportOf(id: string, campaigns: Record<string, CampaignCounts> = {}): ProcessReport {
  return {
    process: { id, instance: `host:${id}`, roles: ['api', 'consumer'], version: '1.2.3', startedAt: 1_764_000_000_000 },
    uptimeMs: 1234.5,
    campaigns: new Map(Object.entries(campaigns)),
    health: { roles: { api: 'ready', consumer: 'waiting' }, foreignPartitions: 3 },
  };
}

/** What every board does. One that several processes share does more: test/contract/redis.stack-spec.ts. */
export function describeProcessBoardContract(name: string, open: () => Promise<ProcessBoardHarness>): void {
  describe(`${name} as a board of processes`, () => {
    let harness: ProcessBoardHarness;
    let board: ProcessBoard;
    beforeEach(async () => {
      harness = await open();
      board = harness.board;
    });
    afterEach(() => harness.close());

    it('is empty at first', async () => {
      expect(await board.read(OWN, ['a'])).toEqual([]);
    });

    it('shows what a process has written, of the campaigns that are asked for', async () => {
      const report = reportOf('p', { a: countsOf(1), b: countsOf(2), c: countsOf(3) });
      await board.write(OWN, report);
      const { a, c } = Object.fromEntries(report.campaigns);
      expect(await board.read(OWN, ['a', 'c', 'missing'])).toEqual([
        { ...report, campaigns: new Map(Object.entries({ a, c })) },
      ]);
      expect(await board.read(OWN, [])).toEqual([{ ...report, campaigns: new Map() }]);
    });

    it('shows a process of a version that does not tell how its roles are', async () => {
      const { health: _, ...older } = reportOf('p');
      await board.write(OWN, older);
      expect(await board.read(OWN, [])).toEqual([older]);
    });

    it('shows the last report alone', async () => {
      await board.write(OWN, reportOf('p', { a: countsOf(1), b: countsOf(1) }));
      const last = { ...reportOf('p', { b: countsOf(5) }), uptimeMs: 2234.5 };
      await board.write(OWN, last);
      expect(await board.read(OWN, ['a', 'b'])).toEqual([last]);
    });

    it('shows a process no longer that has taken its report back', async () => {
      const report = reportOf('p', { a: countsOf(1) });
      await board.write(OWN, report);
      await board.withdraw(OWN, report.process);
      expect(await board.read(OWN, ['a'])).toEqual([]);
    });
  });
}

/** What a board does that several processes share. */
export function describeSharedBoardContract(
  name: string,
  open: () => Promise<ProcessBoardHarness & { expire(id: string): Promise<void>; keys(): Promise<string[]> }>,
): void {
  describe(`${name} as a board that processes share`, () => {
    let harness: Awaited<ReturnType<typeof open>>;
    let board: ProcessBoard;
    beforeEach(async () => {
      harness = await open();
      board = harness.board;
    });
    afterEach(() => harness.close());

    it('shows all processes of the installation, and none of another one', async () => {
      const [one, two] = [reportOf('1', { a: countsOf(1) }), reportOf('2', { a: countsOf(2) })];
      await board.write(OWN, one);
      await board.write(OWN, two);
      await board.write('another', reportOf('3', { a: countsOf(3) }));
      const shown = await board.read(OWN, ['a']);
      expect(shown.sort((x, y) => (x.process.id < y.process.id ? -1 : 1))).toEqual([one, two]);
      await board.withdraw(OWN, one.process);
      expect(await board.read(OWN, ['a'])).toEqual([two]);
    });

    it('shows a process no longer whose time is over, and forgets it when another one writes', async () => {
      await board.write(OWN, reportOf('dead', { a: countsOf(1) }));
      const alive = reportOf('alive', { a: countsOf(2) });
      await board.write(OWN, alive);
      await harness.expire('dead');
      expect(await board.read(OWN, ['a'])).toEqual([alive]);
      expect((await harness.keys()).some((key) => key.endsWith('dead'))).toBe(true);
      await board.write(OWN, alive);
      expect((await harness.keys()).some((key) => key.endsWith('dead'))).toBe(false);
    });
  });
}
