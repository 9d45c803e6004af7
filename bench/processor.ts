import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Processes by the name that a table shows. The first one is the one that answers the requests. */
export type Processes = Readonly<Record<string, number>>;

/** The processor time of one turn. */
export interface ProcessorUse {
  /** User and kernel time of each process for a request, µs. */
  readonly microseconds: Readonly<Record<string, number>>;
  /** How many of the machine's cores did nothing. */
  readonly idleCores: number;
}

/** What one turn of a comparison measured. */
export interface Turn {
  readonly perSecond: number;
  /** Undefined where nobody named processes, and on systems without /proc. */
  readonly processor?: ProcessorUse;
}

/** Linux tells the time of processes in ticks of 10 ms (USER_HZ), whatever the kernel's own clock does. */
const TICK_US = 10_000;
const HAS_PROC = existsSync('/proc/self/stat');

/** Runs the work, and divides the processor time that each process took meanwhile by the requests. */
export async function turnOf(
  processes: Processes,
  work: () => Promise<{ readonly requests: number; readonly perSecond: number }>,
): Promise<Turn> {
  const names = Object.keys(processes);
  if (!HAS_PROC || names.length === 0) return { perSecond: (await work()).perSecond };
  const ticks = (): number[] => names.map((name) => ticksOf(readFileSync(`/proc/${processes[name]}/stat`, 'utf8')));
  const machine = (): MachineTicks => machineTicksOf(readFileSync('/proc/stat', 'utf8'));
  const [before, machineBefore] = [ticks(), machine()];
  const { requests, perSecond } = await work();
  const [after, machineAfter] = [ticks(), machine()];
  const microseconds = Object.fromEntries(
    names.map((name, at) => [name, (((after[at] as number) - (before[at] as number)) * TICK_US) / requests]),
  );
  const idle = (machineAfter.idle - machineBefore.idle) / (machineAfter.all - machineBefore.all);
  return { perSecond, processor: { microseconds, idleCores: idle * cpus().length } };
}

/** The user and kernel time in /proc/PID/stat, in ticks, of all threads, including those that have ended. */
export function ticksOf(stat: string): number {
  // The name in brackets may hold spaces and brackets. The fields after the last bracket are numbers, but for the state.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, kernel] = [Number(fields[11]), Number(fields[12])];
  if (!Number.isInteger(user + kernel)) throw new Error(`no times in ${stat}`);
  return user + kernel;
}

export interface MachineTicks {
  readonly idle: number;
  readonly all: number;
}

/** The time of all cores in /proc/stat, in ticks. A core that waits for a disk is idle. */
export function machineTicksOf(stat: string): MachineTicks {
  const fields = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? [];
  const [, , , idle = NaN, waiting = NaN] = fields;
  // The last two fields, of guests, are part of the first two.
  return { idle: idle + waiting, all: fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0) };
}
