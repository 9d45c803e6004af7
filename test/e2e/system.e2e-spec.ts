import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TOPOLOGY } from '../support/backend.js';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

describe('what operators see of the system', () => {
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  const system = async (): Promise<Answer['body']> => {
    const { status, body } = await client.admin('GET', '/api/admin/system');
    expect(status).toBe(200);
    return body;
  };

  it('is the gate that is open, and when and by whom it was built', async () => {
    const ready = (await client.get('/health/ready')).body;
    const { gate, service: about } = await system();
    expect(gate).toMatchObject({
      state: 'open',
      epoch: ready.gate.epoch,
      trouble: null,
      downSince: null,
      building: false,
    });
    await eventually(async () => {
      const [newest] = (await system()).gate.rebuilds;
      expect(newest).toMatchObject({ epoch: gate.epoch, after: null, version: about.version });
      expect(newest.instance).toBe(`${hostname()}:${process.pid}`);
      expect(Date.parse(newest.openedAt)).toBeLessThanOrEqual(Date.now() + 5_000);
      expect(newest.ms).toBeGreaterThanOrEqual(0);
    });
    const { items } = (await client.admin('GET', '/api/admin/audit-log?action=gate.open')).body;
    expect(items[0]).toMatchObject({ subject: String(gate.epoch), actor: { id: 'service' } });
  });

  it('is each server with its version, and how long it took to answer', async () => {
    const { redis, claimLog, database, disk, failedEvents } = await system();
    expect(failedEvents).toEqual({ dead: 0 });
    const up = { up: true, awaySince: null, trouble: null, answerMs: expect.any(Number) };
    expect(database).toMatchObject({ ...up, version: expect.stringMatching(/^\d+\.\d+/) });
    expect(Math.abs(database.clockAheadMs)).toBeLessThan(60_000);
    expect(claimLog).toMatchObject(up);
    if (TOPOLOGY === 'embedded') {
      expect(database.product).toBe('sqlite');
      expect([redis, claimLog.kind, claimLog.topic]).toEqual([null, 'journal', null]);
      expect(disk.freeBytes).toBeGreaterThan(0);
      expect(disk.totalBytes).toBeGreaterThanOrEqual(disk.freeBytes);
      expect(disk.usedBytes).toBeGreaterThan(0);
    } else {
      expect(redis).toMatchObject({ ...up, version: expect.stringMatching(/^\d+\./), role: 'master' });
      expect(claimLog.topic).toMatchObject({ replicas: 1, unusable: null });
      expect(claimLog.topic.settings).toHaveProperty(['cleanup.policy'], 'delete');
      expect(disk).toBeNull();
    }
  });

  it('is the lag of the consumer by partition, which ends at 0', async () => {
    const before = (await system()).claimLog.partitions.reduce((sum: number, { end }: { end: number }) => sum + end, 0);
    for (let user = 0; user < 5; user++) expect((await client.claim(`system-${user}`)).status).toBe(202);
    await eventually(async () => {
      const { lag, partitions, standsSince } = (await system()).claimLog;
      const end = partitions.reduce((sum: number, one: { end: number }) => sum + one.end, 0);
      expect([end - before, lag, standsSince]).toEqual([5, 0, null]);
      for (const one of partitions) expect(one.lag).toBe(one.end - Math.max(one.committed ?? one.start, one.start));
    });
  });

  it('is every process with its roles, and that these work', async () => {
    await eventually(async () => {
      const { processes } = await system();
      expect(processes.complete).toBe(true);
      expect(processes.items).toHaveLength(service.apps.length);
      expect(processes.items.filter(({ answers }: { answers: boolean }) => answers)).toHaveLength(1);
      const roles = new Set(processes.items.flatMap((one: { roles: string[] }) => one.roles));
      expect(roles).toEqual(new Set(['api', 'consumer', 'retry']));
      for (const { roles: own, roleStates, foreignPartitions } of processes.items) {
        expect(roleStates).toEqual(Object.fromEntries(own.map((role: string) => [role, 'ready'])));
        expect(foreignPartitions).toBe(0);
      }
    });
  });

  it('is made once for all who look', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => system()));
    expect(new Set(answers.map(({ at }) => at)).size).toBeLessThan(20);
  });
});
