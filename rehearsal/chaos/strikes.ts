import { type Cluster, type Duty } from '../../test/support/cluster.js';
import { now } from '../load/clock.js';
import { randomFrom } from '../random.js';
import { type Meanwhile } from '../rehearsal.js';
import { type Deed, type Mark } from '../report.js';

/** Something that is done to the installation. It returns when it is mended. */
interface Strike {
  readonly deed: Deed;
  readonly target: string;
  readonly run: (cluster: Cluster) => Promise<void>;
}

const FROZEN_MS = 2_000;
/** From a process' death to the start of the next one, ms: a supervisor is about as quick. */
const REPLACED_AFTER_MS = 1_000;
/** The part of the load before the first strike, and after the last one. */
const CALM = 0.1;

const STRIKES: readonly Strike[] = [
  { deed: 'killed', target: 'api', run: (cluster) => replace(cluster, 'api') },
  { deed: 'killed', target: 'worker', run: (cluster) => replace(cluster, 'worker') },
  { deed: 'frozen', target: 'Redis', run: ({ servers }) => freeze(servers.redis) },
  { deed: 'frozen', target: 'Kafka', run: ({ servers }) => freeze(servers.kafka) },
  { deed: 'frozen', target: 'MariaDB', run: ({ servers }) => freeze(servers.mariadb) },
  { deed: 'killed', target: 'Redis', run: ({ servers }) => restart(servers.redis) },
];

/** Strikes one after the other, in an order that the seed draws, while the load runs. */
export function strikesOn(cluster: Cluster, seed: number, say: (line: string) => void): Meanwhile {
  return async (loadMs, stop) => {
    const begun = now();
    const marks: Mark[] = [];
    const strikes = shuffled(STRIKES, seed);
    for (const [at, { deed, target, run }] of strikes.entries()) {
      const planned = begun + loadMs * (CALM + ((1 - 2 * CALM) * at) / strikes.length);
      await passed(planned - now(), stop);
      if (stop.aborted) break;
      say(`${target} ${deed}`);
      const from = now();
      await run(cluster);
      marks.push({ deed, target, from, to: now() });
    }
    // Ctrl-C at a terminal ends the processes of the service, too. The judgement needs them.
    for (const member of [...cluster.members]) {
      if (member.process.ended) await replaceMember(cluster, member);
    }
    await cluster.ready();
    return marks;
  };
}

type Member = Cluster['members'][number];

/** Kills the last process of this kind. The first api stays, since the rehearsal asks it about the campaign. */
async function replace(cluster: Cluster, duty: Duty): Promise<void> {
  const member = cluster.members.filter((one) => one.duty === duty).at(-1);
  if (member !== undefined) await replaceMember(cluster, member);
}

/** Another process takes over the address. */
async function replaceMember(cluster: Cluster, member: Member): Promise<void> {
  await cluster.end(member, 'SIGKILL');
  await passed(REPLACED_AFTER_MS);
  await cluster.add(member.duty, { PORT: new URL(member.url).port });
  await cluster.ready();
}

interface Server {
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  start(): Promise<unknown>;
}

async function freeze(server: Server): Promise<void> {
  server.pause();
  // It is woken in any case: a frozen server would outlive the rehearsal.
  await passed(FROZEN_MS).finally(() => server.resume());
}

async function restart(server: Server): Promise<void> {
  await server.kill();
  await server.start();
}

/** The time itself is meant here: how long a fault lasts, and when the next one comes. */
function passed(ms: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted === true) return resolve();
    const timer = setTimeout(resolve, Math.max(0, ms));
    stop?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomFrom(seed);
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
