import { parentPort, workerData } from 'node:worker_threads';
import { CallerLoop, type LoopSettings } from './caller-loop.js';
import { type CallRecords } from './call-records.js';
import { type StatusLook } from '../../oracle/told.js';
import { type HistogramMessage } from './histogram.js';
import { type RequestFacts, RequestTexts } from './request-texts.js';

/** What a thread is given. */
export interface WorkerOrder extends LoopSettings {
  readonly facts: RequestFacts;
}

export type ToWorker = { readonly kind: 'go'; readonly start: number } | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'beat';
      readonly planned: number;
      readonly asked: number;
      readonly answered: number;
      readonly words: Readonly<Record<string, number>>;
      readonly recent: HistogramMessage;
    }
  | {
      readonly kind: 'done';
      readonly records: CallRecords;
      readonly looks: readonly StatusLook[];
      readonly lateness: HistogramMessage;
    };

/** How often a thread tells how far it is, ms. */
const BEAT_MS = 250;

const port = parentPort!;
const { facts, ...settings } = workerData as WorkerOrder;
const loop = new CallerLoop(settings, new RequestTexts(facts));
const say = (message: FromWorker) => port.postMessage(message);
const beat = () => {
  const { recent, ...progress } = loop.progress();
  say({ kind: 'beat', ...progress, recent: recent.toMessage() });
};

port.on('message', (order: ToWorker) => {
  if (order.kind === 'stop') return loop.stop();
  const beats = setInterval(beat, BEAT_MS);
  void loop.run(order.start).then(() => {
    clearInterval(beats);
    beat();
    const { lateness, ...results } = loop.results();
    say({ kind: 'done', ...results, lateness: lateness.toMessage() });
    port.close();
  });
});

await loop.connect();
say({ kind: 'ready' });
