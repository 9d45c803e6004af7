import { describe, expect, it } from '@jest/globals';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type RedisConnection } from './redis-connection.js';
import { RedisGateBuilder } from './redis-gate-builder.js';
import { parseServerInfo } from './server-info.js';

/** A Redis that answers every script alike, and has no key. */
function builderAt(answer: unknown): RedisGateBuilder {
  const server = parseServerInfo('redis_version:7.0.15\r\nrun_id:a\r\nmaster_replid:b\r\nrole:master');
  const bulk = { eval: () => Promise.resolve(answer), scan: () => Promise.resolve(['0', []]) };
  const there = () => Promise.resolve(server);
  const builder = new RedisGateBuilder({ bulk, bulkServer: there, newBulkServer: there } as unknown as RedisConnection);
  builder.useInstallation('installation');
  return builder;
}

describe('the builder of a gate in Redis', () => {
  it('waits for longer than an api may take for a 202, because other processes may live', () => {
    const builder = builderAt('OPENED');
    expect(builder.quiesceMs).toBeGreaterThan(CLAIM_DEADLINE_MS);
    expect(builder.isAlone).toBe(false);
  });

  it.each([
    ['opens nothing when Redis has lost what was staged there', 'LOST', false],
    ['opens a campaign that Redis has as it was staged', 'OPENED', true],
    ['leaves a campaign alone that is open in this version', 'OLDER', true],
  ])('%s', async (_what, answer, done) => {
    const builder = builderAt(answer);
    await builder.dropEpochsBelow(2);
    const campaign = { campaignId: 'drop', total: 1, startsAt: 0, endsAt: null, state: 'OPEN', version: 1 } as const;
    const opened = builder.openStaged(2, [{ ...campaign, sequence: 0 }]);
    await (done ? expect(opened).resolves.toBeUndefined() : expect(opened).rejects.toThrow(GateUnavailableError));
  });
});
