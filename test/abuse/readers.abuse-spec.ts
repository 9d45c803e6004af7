import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { claimRequest, getRequest, RawCaller } from '../support/raw-caller.js';
import { type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** Of the service under test, ms: short, so that the test is. */
const WRITE_MS = 1_000;

describe('one caller who takes no answer', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService({}, { write: WRITE_MS, checkInterval: 50 });
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  const metric = async (line: string): Promise<number> => {
    const { body } = await client.get('/metrics');
    return Number(
      String(body)
        .split('\n')
        .find((text) => text.startsWith(`${line} `))
        ?.slice(line.length + 1),
    );
  };
  const unread = () => metric('coupon_http_connections_shed_total{reason="unread"}');

  it.each([
    ['all at once', (caller: RawCaller, requests: string[]) => caller.send(...requests)],
    ['one by one', (caller: RawCaller, requests: string[]) => requests.forEach((request) => caller.send(request))],
  ])('loses his connection, when he asks %s', async (_how, send) => {
    const before = await unread();
    const caller = await RawCaller.connect(service.url);
    caller.socket.pause();
    // Enough that the kernel cannot hold the answers.
    send(
      caller,
      Array.from({ length: 3_000 }, () => getRequest('/docs-json')),
    );
    await until('the end', async () => (await unread()) === before + 1);
    expect((await client.claim(`beside-${before}`)).status).toBe(202);
    caller.end();
  });

  it('has his claims all the same, and once each', async () => {
    const campaign = await client.createCampaign(1_000_000);
    const caller = await RawCaller.connect(service.url);
    caller.socket.pause();
    const before = await unread();
    caller.send(...Array.from({ length: 200 }, (_, at) => claimRequest(`deaf-${at}`, campaign)));
    caller.send(...Array.from({ length: 3_000 }, () => getRequest('/docs-json')));
    await until('the end', async () => (await unread()) === before + 1);
    await until('a row for each claim', async () => {
      const { drift, rows } = await client.audit(campaign);
      return drift === 0 && rows === 200;
    });
    caller.end();
  });

  it('keeps his connection as long as he takes what comes', async () => {
    // While this process stalls, he takes nothing either.
    const patient = await startService({}, { checkInterval: 50 });
    const caller = await RawCaller.connect(patient.url);
    caller.send(...Array.from({ length: 500 }, () => getRequest('/docs-json')));
    await until('all answers', () => caller.statuses.length === 500);
    expect(caller.closed).toBe(false);
    caller.end();
    await patient.stop();
  });
});
