import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openLoop, type OpenLoopPlan } from './open-loop.js';

const STALL_MS = 500;

describe('the open loop of the bench', () => {
  const servers: { close(): void }[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));

  /** A plan for a server that answers through `answer`. */
  async function plan(answer: (response: ServerResponse, count: number) => void): Promise<OpenLoopPlan> {
    let count = 0;
    const server = createServer((request, response) => {
      request.resume().once('end', () => answer(response, ++count));
    });
    servers.push({ close: () => server.close().closeAllConnections() });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { url, campaignIds: ['c'], users: 'u', connections: 4, perSecond: 500, seconds: 2 };
  }

  const accept = (response: ServerResponse) => {
    response.writeHead(202, { 'content-length': 2 }).end('{}');
  };

  it('shows a stall in every call that was due during it, not only in those that were under way', async () => {
    let stalledUntil = Infinity;
    const result = await openLoop(
      await plan((response, count) => {
        const now = performance.now();
        if (count === 250) stalledUntil = now + STALL_MS;
        // Four connections: in a closed loop only four of a thousand calls would take long, and the p99 would not show
        // the stall.
        setTimeout(() => accept(response), stalledUntil === Infinity ? 0 : Math.max(0, stalledUntil - now));
      }),
    );
    expect(result).toMatchObject({ requests: 1_000, refused: 0, broken: 0 });
    expect(result.p99).toBeGreaterThan(STALL_MS * 0.9);
    expect(result.max).toBeGreaterThanOrEqual(STALL_MS - 2);
  });

  it('sends the planned number to a server that is slower, and counts how long calls wait', async () => {
    // 4 connections × 100 answers a second; the last of 500 calls is due after 1 s and answered after 1.25 s.
    const slow = await plan((response) => setTimeout(() => accept(response), 10));
    const result = await openLoop({ ...slow, seconds: 1 });
    expect(result).toMatchObject({ requests: 500, broken: 0 });
    expect(result.max).toBeGreaterThan(200);
  });

  it('tells refusals and calls without an answer apart', async () => {
    const result = await openLoop({
      ...(await plan((response, count) => {
        if (count === 10) response.destroy();
        else if (count === 20) response.writeHead(409, { 'content-length': 0 }).end();
        else accept(response);
      })),
      seconds: 0.5,
    });
    expect(result).toMatchObject({ requests: 250, refused: 1, broken: 1 });
  });

  it('rejects if no server listens', async () => {
    const gone = await plan(accept);
    servers.splice(0).forEach((server) => server.close());
    await expect(openLoop(gone)).rejects.toThrow('ECONNREFUSED');
  });
});
