import { pathToFileURL } from 'node:url';
import { getRequest, RawCaller } from '../test/support/raw-caller.js';

/** Requests that come beside the claims of others, for as long as the process runs. */
export interface AttackPlan {
  readonly url: string;
  readonly connections: number;
  /** Requests that a connection sends in one write, and again when all of them are answered. */
  readonly burst: number;
  /** Asked for in turn. */
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

// A process of its own, so that it takes nothing from the one that measures; it is ended by a signal.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const plan = JSON.parse(process.argv[2] ?? '') as AttackPlan;
  let said = false;
  const begun = (): void => {
    if (!said) process.stdout.write('answered\n');
    said = true;
  };
  for (let made = 0; made < plan.connections; made++) void attack(plan, begun);
}
