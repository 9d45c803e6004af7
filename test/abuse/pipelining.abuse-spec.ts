import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ClaimIssuance } from '../../src/modules/issuance/claim-issuance.js';
import { Client, inParallel, tally } from '../support/client.js';
import { claimRequest, getRequest, RawCaller } from '../support/raw-caller.js';
import { type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** What one write of 64 KB holds of the shortest request for metrics. */
const BURST = 1_764;
const MOST = 16;
/** Whose handlers the test lets go one by one. */
const HELD = 40;

const sendAtOnce = (attacker: RawCaller, requests: readonly string[]): void => attacker.send(...requests);

/** A claim is answered 503 where the disk stalls, which says as much about when and in which order it is answered. */
const asUndisturbed = (status: number): number => (status === 503 ? 202 : status);

const repeat = (count: number, request: (at: number) => string): string[] =>
  Array.from({ length: count }, (_, at) => request(at));

describe('one caller who pipelines', () => {
  let service: Service;
  let client: Client;
  let campaign: string;
  let users = 0;

  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
    campaign = await client.createCampaign(1_000_000);
    await client.claim('attacker', campaign);
  });
  afterAll(() => service.stop());

  const attackers = (count: number): Promise<RawCaller[]> =>
    Promise.all(Array.from({ length: count }, () => RawCaller.connect(service.url)));

  /**
   * Expects that forty others, each over a connection of its own, are answered before the last request of any attacker,
   * and have their claims. A disk that stalls is not the attackers' doing: who is refused for now asks again, beside the
   * next burst.
   */
  const expectNoWait = async (all: readonly RawCaller[], burst: () => readonly string[], send = sendAtOnce) => {
    const bursts = all.map((attacker) => ({ attacker, requests: burst() }));
    for (const { attacker, requests } of bursts) send(attacker, requests);
    await until('an answer', () => all.some(({ statuses }) => statuses.length > 0));
    const caller = client.withFreshConnections();
    const named = (user: string) => [user, campaign, { 'idempotency-key': user }] as const;
    const first = await inParallel(
      repeat(40, () => `other-${++users}`),
      40,
      async (user) => ({ user, status: (await caller.apply(...named(user))).status }),
    );
    for (const { attacker, requests } of bursts) expect(attacker.statuses.length).toBeLessThan(requests.length);
    const refused = first.filter(({ status }) => status === 503);
    if (refused.length > 0) for (const attacker of all) send(attacker, burst());
    const again = await inParallel(refused, 40, ({ user }) => caller.claim(...named(user)));
    const last = [...first.filter(({ status }) => status !== 503), ...again];
    expect(tally(last.map(({ status }) => status))).toEqual({ 202: 40 });
    for (const attacker of all) attacker.end();
  };

  const kinds: readonly (readonly [name: string, request: (at: number) => string])[] = [
    ['for metrics', () => getRequest('/metrics')],
    ['for the status of a claim', () => getRequest(`/api/campaigns/${campaign}/claims/attacker`)],
    ['for the document', () => getRequest('/docs-json')],
    ['for campaigns', () => getRequest('/api/campaigns?limit=1000')],
    ['for nothing that exists', () => getRequest('/nothing')],
    ['that cannot be decoded', () => getRequest('/%zz')],
    ['to claim', () => claimRequest(`burst-${++users}`, campaign)],
    ['to claim what he has', () => claimRequest('attacker', campaign)],
    ['with broken bodies', () => claimRequest('attacker', campaign).replace('{', '[')],
    [
      'of all kinds',
      (at) =>
        [
          getRequest('/metrics'),
          claimRequest(`burst-${++users}`, campaign),
          getRequest('/docs-json'),
          getRequest(`/api/campaigns/${campaign}/claims/attacker`),
        ][at % 4] as string,
    ],
  ];

  it.each(kinds)('does not keep others waiting for the last of his requests %s', async (_kind, request) => {
    await expectNoWait(await attackers(1), () => repeat(BURST, request));
  });

  it.each(kinds)('does not from many connections either, %s', async (_kind, request) => {
    await expectNoWait(await attackers(50), () => repeat(BURST, request));
  });

  it('does not by many small writes either', async () => {
    const metrics = repeat(2 * BURST, () => getRequest('/metrics'));
    const sendOneByOne = (attacker: RawCaller, requests: readonly string[]) => {
      for (const request of requests) attacker.send(request);
    };
    await expectNoWait(await attackers(1), () => metrics, sendOneByOne);
  });

  it('has at most sixteen requests under way', async () => {
    const issuance = service.app.get(ClaimIssuance);
    const apply = issuance.apply.bind(issuance);
    const held: (() => void)[] = [];
    let most = 0;
    const holding = jest.spyOn(issuance, 'apply').mockImplementation(async (application) => {
      await new Promise<void>((resolve) => {
        held.push(resolve);
        most = Math.max(most, held.length);
      });
      return apply(application);
    });
    try {
      const [attacker] = await attackers(1);
      attacker?.send(...repeat(HELD, () => claimRequest(`held-${++users}`, campaign)));
      for (let finished = 0; finished < HELD; finished++) {
        await until('as many as may be', () => held.length === Math.min(MOST, HELD - finished));
        held.shift()?.();
      }
      await until('all answers', () => attacker?.statuses.length === HELD);
      expect(most).toBe(MOST);
      expect(new Set(attacker?.statuses.map(asUndisturbed))).toEqual(new Set([202]));
    } finally {
      holding.mockRestore();
    }
  });

  it('gets every answer in the order of his requests', async () => {
    const [attacker] = await attackers(1);
    attacker?.send(
      ...repeat(300, (at) =>
        at % 3 === 0
          ? claimRequest(`ordered-${at}`, campaign)
          : at % 3 === 1
            ? getRequest('/nothing')
            : getRequest('/health/live'),
      ),
    );
    await until('all answers', () => attacker?.statuses.length === 300);
    expect(attacker?.statuses.map(asUndisturbed)).toEqual(
      Array.from({ length: 300 }, (_, at) => [202, 404, 200][at % 3]),
    );
  });

  it('is not hindered by others who do the same', async () => {
    const all = await attackers(20);
    for (const attacker of all) attacker.send(...repeat(MOST, () => claimRequest(`fair-${++users}`, campaign)));
    await until('all answers', () => all.every(({ statuses }) => statuses.length === MOST));
    for (const { statuses } of all) expect(tally(statuses.map(asUndisturbed))).toEqual({ 202: MOST });
  });
});
