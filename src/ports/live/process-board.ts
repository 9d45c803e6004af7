import { type CampaignCounts } from './live-counters.js';

/** Who a process is, for people. */
export interface ProcessIdentity {
  /** Tells two processes apart, also two lives of one. */
  readonly id: string;
  /** The machine or container, and the process id there. */
  readonly instance: string;
  readonly roles: readonly string[];
  readonly version: string;
  /** ms since 1970, by the clock of its machine. */
  readonly startedAt: number;
}

/** How the roles of a process are, as `/health/ready` of that process says. */
export interface ProcessHealth {
  readonly roles: Readonly<Record<string, 'ready' | 'waiting'>>;
  /** Partitions on which its consumer stands before claims of another installation. */
  readonly foreignPartitions: number;
}

/** What one process has written last. */
export interface ProcessReport {
  readonly process: ProcessIdentity;
  /** ms since its start, monotonic: rates are differences between two reports, divided by the difference of these. */
  readonly uptimeMs: number;
  /** By campaign id. {@link ProcessBoard.read} gives only the campaigns that it was asked for. */
  readonly campaigns: ReadonlyMap<string, CampaignCounts>;
  /** Missing in reports of a version that does not write it. */
  readonly health?: ProcessHealth;
}

/** A report is shown for this long, ms: a process that was killed is not shown any more. */
export const REPORT_LIFE_MS = 5_000;

/**
 * Where each process writes its counters, and all processes of an installation can read them. What is here
 * is for people who watch; nothing is decided by it, and it may be lost at any time.
 */
export abstract class ProcessBoard {
  /** Replaces what this process has written before. Rejects when the board is away. */
  abstract write(installation: string, report: ProcessReport): Promise<void>;

  /** The last reports of all processes, with what they counted of these campaigns. Rejects when the board is away. */
  abstract read(installation: string, campaignIds: readonly string[]): Promise<ProcessReport[]>;

  /** Takes back what this process has written: it stops. Rejects when the board is away. */
  abstract withdraw(installation: string, process: ProcessIdentity): Promise<void>;
}
