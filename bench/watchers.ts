import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { getRequest } from '../test/support/raw-caller.js';

/** Callers who watch one campaign beside other callers' claims, as long as this process runs. */
export interface WatchPlan {
  readonly url: string;
  readonly campaignId: string;
  readonly watchers: number;
}

export interface Watchers {
  /** Samples that came since the last call, over all watchers. */
  received(): number;
  end(): Promise<void>;
}

const SELF = fileURLToPath(import.meta.url);
const LOADER = new URL('../test/support/typescript-loader.mjs', import.meta.url).href;
/** How many connect at once: the others wait. */
const CONNECTING = 100;

/** Starts the watchers in their own process, and waits until each of them has its first sample. */
export async function startWatchers(plan: WatchPlan): Promise<Watchers> {
  const child: ChildProcess = spawn(process.execPath, ['--import', LOADER, SELF, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  let samples = 0;
  let seen = 0;
  lines.on('line', (line) => (samples = Number(line)));
  await once(lines, 'line');
  return {
    received: () => {
      const since = samples - seen;
      seen = samples;
      return since;
    },
    end: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

async function watch({ url, campaignId, watchers }: WatchPlan): Promise<void> {
  const { hostname, port } = new URL(url);
  const ask = getRequest(`/api/campaigns/${campaignId}/live`);
  let samples = 0;
  const open: Socket[] = [];
  const one = async (): Promise<void> => {
    const socket = connect(Number(port), hostname);
    open.push(socket);
    socket.on('error', (error) => {
      throw error;
    });
    // Each read is one sample, or the headers with the first one: samples come a second apart.
    socket.on('data', () => (samples += 1));
    socket.write(ask);
    await once(socket, 'data');
  };
  while (open.length < watchers) {
    await Promise.all(Array.from({ length: Math.min(CONNECTING, watchers - open.length) }, one));
  }
  const tell = (): void => void process.stdout.write(`${samples}\n`);
  tell();
  setInterval(tell, 500);
}

// Runs in its own process, so that it takes no time from the measuring process. A signal ends it.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await watch(JSON.parse(process.argv[2] ?? '') as WatchPlan);
}
