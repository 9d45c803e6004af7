import { pathToFileURL } from 'node:url';
import { getRequest, RawCaller } from '../test/support/raw-caller.js';

/** Requests that an attacker sends beside other callers' claims, as long as this process runs. */
export interface AttackPlan {
  readonly url: string;
  readonly connections: number;
  /** Requests that a connection sends in one write, and again when all of them are answered. */
  readonly burst: number;
  /** Requested in turn. */
  readonly paths: readonly string[];
}

const RECONNECT_MS = 50;

async function attack(plan: AttackPlan, begun: () => void): Promise<void> {
  const burst = Array.from({ length: plan.burst }, (_, at) => getRequest(plan.paths[at % plan.paths.length] ?? '/'));
  const caller = await RawCaller.connect(plan.url, ({ statuses }) => {
    begun();
    if (statuses.length < plan.burst) return;
    statuses.length = 0;
    caller.send(...burst);
  });
  caller.socket.once('close', () => setTimeout(() => void attack(plan, begun), RECONNECT_MS));
  caller.send(...burst);
}

// Runs in its own process, so that it takes no time from the measuring process. A signal ends it.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const plan = JSON.parse(process.argv[2] ?? '') as AttackPlan;
  let said = false;
  const begun = (): void => {
    if (!said) process.stdout.write('answered\n');
    said = true;
  };
  for (let made = 0; made < plan.connections; made++) void attack(plan, begun);
}
