import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend } from '../support/backend.js';
import { type Answer, Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';

const ROUNDS = 20;
const TOTAL = 3_000;
const CALLERS = 40;

interface Promised {
  readonly userId: string;
  readonly claimId: string;
  readonly sequence: number;
}

describe('the built service, killed with -9 in the middle of bursts', () => {
  let backend: Backend;
  let port: number;
  let client: Client;
  let service: ServiceProcess;

  beforeAll(async () => {
    backend = await openBackend();
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
  });
  afterAll(async () => {
    await service.end('SIGKILL');
    await backend.remove();
  });

  it(`keeps every promise through ${ROUNDS} kills, and goes on with the sequence`, async () => {
    service = await ServiceProcess.start(backend, port);
    const campaign = await client.createCampaign(TOTAL);
    const promised: Promised[] = [];
    let user = 0;

    /** Calls until the service is gone. Only what was answered counts as promised. */
    const burst = async () => {
      for (;;) {
        const userId = `u-${user++}`;
        let answer: Answer;
        try {
          answer = await client.apply(userId, campaign);
        } catch {
          return;
        }
        if (answer.status === 202) {
          promised.push({ userId, claimId: answer.body.claimId, sequence: answer.body.sequence });
        } else if (answer.status !== 503 && answer.status !== 408) {
          // On a machine that stalls, a claim may come or find its answer too late: nothing was promised.
          expect([answer.status, answer.body.code]).toEqual([409, 'sold-out']);
        }
      }
    };

    for (let round = 0; round < ROUNDS; round++) {
      const before = promised.length;
      const callers = Array.from({ length: CALLERS }, burst);
      // Random, and different in every round: in the middle of a commit, a batch of the consumer, or neither.
      const enough = before + 1 + Math.floor(Math.random() * 120);
      await eventually(() => {
        if (promised.length < Math.min(enough, before + 1)) throw new Error('the burst has not begun');
        if (promised.length < enough && promised.length < TOTAL) throw new Error('the burst goes on');
      });
      await service.end('SIGKILL');
      await Promise.all(callers);
      service = await ServiceProcess.start(backend, port);
    }

    // Whatever is left is sold, so that no slot can have leaked.
    let soldOut = false;
    await inParallel([...Array(CALLERS).keys()], CALLERS, async () => {
      while (!soldOut) {
        const userId = `u-${user++}`;
        const { status, body } = await client.claim(userId, campaign);
        if (status === 202) {
          promised.push({ userId, claimId: body.claimId, sequence: body.sequence });
        } else {
          expect([status, body.code]).toEqual([409, 'sold-out']);
          soldOut = true;
        }
      }
    });
    await eventually(async () => {
      expect(await client.audit(campaign)).toMatchObject({
        gate: TOTAL,
        issued: TOTAL,
        rows: TOTAL,
        pending: 0,
        drift: 0,
      });
      // In one process with its worker, each kill also leaves a dead member of the consumer group behind: the last start
      // waits for their sessions, and what was admitted and never published is looked for after that.
    });

    const sequences = new Set(promised.map(({ sequence }) => sequence));
    expect(sequences.size).toBe(promised.length);
    expect(promised.length).toBeLessThanOrEqual(TOTAL);
    await inParallel(promised, CALLERS, async ({ userId, claimId, sequence }) => {
      const { body } = await client.claimStatus(campaign, userId, claimId);
      expect(body).toMatchObject({ status: 'ISSUED', claimId, sequence });
    });
  }, 1_200_000);
});
