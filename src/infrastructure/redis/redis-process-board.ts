import { z } from 'zod';
import { type CampaignCounts } from '../../ports/live/live-counters.js';
import {
  ProcessBoard,
  type ProcessIdentity,
  type ProcessReport,
  REPORT_LIFE_MS,
} from '../../ports/live/process-board.js';
import { readScript } from './gate-script.js';
import { type RedisConnection } from './redis-connection.js';
import { boardKey, processKey } from './redis.keys.js';

const WRITE = readScript('write-board-2.lua');
const READ = readScript('read-board-1.lua');
const REMOVE = readScript('clear-board-2.lua');

/** The field of a process, and what each field of a campaign begins with. A change of a form gets another name. */
const PROCESS = 'process';
const COUNTS = 'counts:';

const about = z.object({
  id: z.string(),
  instance: z.string(),
  roles: z.array(z.string()),
  version: z.string(),
  startedAt: z.number(),
  uptimeMs: z.number(),
  // Older versions do not write it, and do not read it either. A form of a later version is no reason to show no process.
  health: z
    .object({ roles: z.record(z.string(), z.enum(['ready', 'waiting'])), foreignPartitions: z.number() })
    .optional()
    .catch(undefined),
});

/**
 * The board of the distributed profile: a hash for each process, and one sorted set that says until when each of them is
 * shown. Expiry is done by the scripts, by the clock of Redis, with the commands that the gate needs anyway: a new
 * version must not need new rights (docs/adr/0054). The keys lie beside those of the gate and are none of them: no
 * builder reads or removes them.
 */
export class RedisProcessBoard extends ProcessBoard {
  constructor(private readonly connection: RedisConnection) {
    super();
  }

  override async write(installation: string, { process, uptimeMs, health, campaigns }: ProcessReport): Promise<void> {
    const fields = [PROCESS, JSON.stringify({ ...process, uptimeMs, health })];
    for (const [id, counts] of campaigns) fields.push(`${COUNTS}${id}`, JSON.stringify(counts));
    const keys = [boardKey(installation), processKey(installation, process.id)];
    await this.connection.calls.eval(WRITE, keys.length, ...keys, process.id, REPORT_LIFE_MS, ...fields);
  }

  override async read(installation: string, campaignIds: readonly string[]): Promise<ProcessReport[]> {
    const fields = [PROCESS, ...campaignIds.map((id) => `${COUNTS}${id}`)];
    const answer = (await this.connection.calls.eval(READ, 1, boardKey(installation), ...fields)) as (
      string | null
    )[][];
    return answer.flatMap(([text, ...counts]) => {
      // Redis may have lost the hash alone, as after an eviction that it was not set up for.
      if (text === null || text === undefined) return [];
      const { uptimeMs, health, ...process } = about.parse(JSON.parse(text));
      const campaigns = new Map<string, CampaignCounts>();
      for (const [index, id] of campaignIds.entries()) {
        const count = counts[index];
        if (typeof count === 'string') campaigns.set(id, JSON.parse(count) as CampaignCounts);
      }
      return [{ process, uptimeMs, campaigns, ...(health === undefined ? {} : { health }) }];
    });
  }

  override async withdraw(installation: string, { id }: ProcessIdentity): Promise<void> {
    const keys = [boardKey(installation), processKey(installation, id)];
    await this.connection.calls.eval(REMOVE, keys.length, ...keys, id);
  }
}
