import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type StatusLook } from '../../oracle/told.js';
import { type CallPlan, partOf } from './call-plan.js';
import { callsOf, type RecordedCall } from './call-records.js';
import { now } from './clock.js';
import { Histogram } from './histogram.js';
import { type RequestFacts, RequestTexts } from './request-texts.js';
import { type FromWorker, type ToWorker, type WorkerOrder } from './worker.js';

/** The load of one rehearsal. */
export interface Load extends Omit<WorkerOrder, 'plan' | 'facts'> {
  readonly plan: CallPlan;
  readonly facts: RequestFacts;
  readonly workers: number;
}

/** How far the load is. Counts since the beginning, times of the last moments. */
export interface LoadProgress {
  readonly planned: number;
  readonly asked: number;
  readonly answered: number;
  readonly words: Readonly<Record<string, number>>;
  readonly recent: Histogram;
}

export interface LoadResult {
  readonly calls: readonly RecordedCall[];
  readonly looks: readonly StatusLook[];
  /** The times of all calls but those of callers who are slow or hang up. */
  readonly times: Histogram;
  /** How late the threads noticed that a call was due. It is part of the times. */
  readonly lateness: Histogram;
  /** When the plan began, by `clock.ts`, ms. */
  readonly start: number;
}

/** From the moment at which all threads are ready to the beginning of the plan, ms. */
const RUN_UP_MS = 200;
/** How often progress is told, ms. */
export const TELL_MS = 1_000;

/**
 * Spreads the calls over threads, and carries them out.
 * @param stop ends the load before all calls are made; the result has what there is by then.
 * @throws if the service cannot be reached.
 */
export async function drive(
  { plan, workers, facts, ...settings }: Load,
  tell: (progress: LoadProgress) => void,
  stop: AbortSignal,
): Promise<LoadResult> {
  const threads = Array.from({ length: workers }, (_, thread) => {
    const order: WorkerOrder = {
      ...settings,
      facts,
      plan: partOf(plan, thread, workers),
      connections: Math.ceil(settings.connections / workers),
      seed: settings.seed + thread + 1,
    };
    return new Thread(order);
  });
  try {
    await Promise.all(threads.map(({ ready }) => ready));
    const start = now() + RUN_UP_MS;
    const order = (message: ToWorker) => threads.forEach((thread) => thread.tell(message));
    order({ kind: 'go', start });
    const end = () => order({ kind: 'stop' });
    stop.addEventListener('abort', end);
    if (stop.aborted) end();
    const times = Histogram.empty();
    let recent = Histogram.empty();
    for (const thread of threads) {
      thread.onBeat = (histogram) => {
        times.add(histogram);
        recent.add(histogram);
      };
    }
    const telling = setInterval(() => {
      tell(progressOf(threads, recent));
      recent = Histogram.empty();
    }, TELL_MS);
    const results = await Promise.all(threads.map(({ done }) => done)).finally(() => clearInterval(telling));
    tell(progressOf(threads, recent));
    stop.removeEventListener('abort', end);
    const texts = new RequestTexts(facts);
    const lateness = Histogram.empty();
    for (const result of results) lateness.add(Histogram.fromMessage(result.lateness));
    return {
      calls: results.flatMap(({ records }) => callsOf(records, (user) => texts.userId(user))),
      looks: results.flatMap(({ looks }) => looks),
      times,
      lateness,
      start,
    };
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

type Done = Extract<FromWorker, { kind: 'done' }>;

class Thread {
  readonly ready: Promise<void>;
  readonly done: Promise<Done>;
  onBeat: (recent: Histogram) => void = () => undefined;
  planned: number;
  asked = 0;
  answered = 0;
  words: Readonly<Record<string, number>> = {};
  private readonly worker: Worker;

  constructor(order: WorkerOrder) {
    this.planned = order.plan.due.length;
    this.worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: order });
    const failed = once(this.worker, 'error').then(([error]) => Promise.reject(error as Error));
    this.ready = Promise.race([this.next('ready').then(() => undefined), failed]);
    this.done = Promise.race([this.next('done'), failed]);
    // Who waits for these hears of the error.
    for (const one of [failed, this.ready, this.done]) one.catch(() => undefined);
    this.worker.on('message', (message: FromWorker) => {
      if (message.kind !== 'beat') return;
      ({ planned: this.planned, asked: this.asked, answered: this.answered, words: this.words } = message);
      this.onBeat(Histogram.fromMessage(message.recent));
    });
  }

  tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private next<K extends FromWorker['kind']>(kind: K): Promise<Extract<FromWorker, { kind: K }>> {
    return new Promise((resolve) => {
      this.worker.on('message', (message: FromWorker) => {
        if (message.kind === kind) resolve(message as Extract<FromWorker, { kind: K }>);
      });
    });
  }
}

function progressOf(threads: readonly Thread[], recent: Histogram): LoadProgress {
  const words: Record<string, number> = {};
  for (const thread of threads) {
    for (const [word, count] of Object.entries(thread.words)) words[word] = (words[word] ?? 0) + count;
  }
  const sum = (of: (thread: Thread) => number) => threads.reduce((all, thread) => all + of(thread), 0);
  return {
    planned: sum(({ planned }) => planned),
    asked: sum(({ asked }) => asked),
    answered: sum(({ answered }) => answered),
    words,
    recent,
  };
}
