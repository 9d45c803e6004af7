import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { planCalls } from '../load/call-plan.js';
import { drive } from '../load/drive.js';

/**
 * How many requests a second the rehearsal makes when the service costs as little as possible:
 * `node --import ./test/support/typescript-loader.mjs rehearsal/rate/measure.ts [calls] [connections] [workers]`.
 * Server and load share the machine, so the processor time of a request says more than the rate.
 */
const [calls = 300_000, connections = 256, workers = 2] = process.argv.slice(2).map(Number);
const ROUNDS = 5;

const server = spawn(process.execPath, [fileURLToPath(new URL('./bare-server.mjs', import.meta.url))], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const [port] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
  for (let round = 1; round <= ROUNDS; round++) {
    const think = { least: 0, most: 0 };
    const none = { duplicates: 0, slowClients: 0, hangUps: 0 };
    const load = {
      plan: planCalls({ users: calls, arrival: { kind: 'burst' }, ...none, think, seed: round }),
      facts: { host: `127.0.0.1:${port.trim()}`, basePath: '', campaignId: 'bare', userPrefix: `bare-${round}-` },
      targets: [{ host: '127.0.0.1', port: Number(port) }],
      ...{ connections, workers, tries: 1, think, seed: round, lookEvery: Infinity },
    };
    const begun = process.cpuUsage();
    const result = await drive(load, () => undefined, new AbortController().signal);
    const used = process.cpuUsage(begun);
    const last = result.calls.reduce((end, { at, ms }) => Math.max(end, at + ms), 0);
    const perSecond = Math.round(calls / ((last - result.start) / 1_000));
    const microseconds = (used.user + used.system) / calls;
    console.log(
      `round ${round}: ${perSecond.toLocaleString('en')} requests/s, ${connections} connections, ${workers} threads, ` +
        `at most ${microseconds.toFixed(1)} µs of processor time a request, start and end of the threads included (${cpus().length} cores)`,
    );
  }
} finally {
  server.kill();
}
