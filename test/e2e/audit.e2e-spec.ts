import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

describe('the audit of a campaign', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
  });
  afterAll(() => service.stop());

  it('shows one instant while claims come in and are persisted', async () => {
    const users = 2_000;
    const id = await client.createCampaign(users);
    let ending = false;
    const seen: {
      gate: number;
      pending: number;
      issued: number;
      rows: number;
      failed: Record<string, number>;
      drift: number;
    }[] = [];
    const looking = (async () => {
      while (!ending) seen.push(await client.audit(id));
    })();
    try {
      await inParallel(
        Array.from({ length: users }, (_, n) => `u${n}`),
        50,
        (user) => client.claim(user, id),
      );
      await eventually(async () => expect(await client.audit(id)).toMatchObject({ rows: users, pending: 0 }));
    } finally {
      ending = true;
      await looking;
    }
    // The audit really ran while claims were on their way.
    expect(seen.some(({ gate, rows }) => gate > 0 && rows < users)).toBe(true);
    for (const audit of seen) {
      const { gate, pending, issued, rows, drift } = audit;
      expect([audit, drift, issued]).toEqual([audit, 0, rows]);
      if (gate === null) continue;
      // On a machine that stalls, claims become failed events. The sweeper clears those at the gate, before their coupons.
      const failed = Object.values(audit.failed).reduce((sum, count) => sum + count, 0);
      expect([audit, rows <= gate, gate - pending <= rows + failed]).toEqual([audit, true, true]);
    }
  });
});
