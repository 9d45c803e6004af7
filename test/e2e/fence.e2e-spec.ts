import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CAMPAIGN_OPENING_MS } from '../../src/domain/campaign.js';
import { RebuildProbe } from '../../src/modules/recovery/rebuild-probe.js';
import { ClaimLog } from '../../src/ports/log/claim-log.js';
import { TOPOLOGY } from '../support/backend.js';
import { type Answer, Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type GateDamage, gateDamageOf } from '../support/gate-damage.js';
import { type Service, startService } from '../support/service.js';

type Damage = (gate: GateDamage, epoch: number, campaign: string) => Promise<void>;

const DAMAGES: [string, Damage][] = [
  ['all of its memory', (gate, epoch) => gate.wipe(epoch)],
  ['the record of one user', (gate, epoch, campaign) => gate.forgetOneUser(epoch, campaign)],
  ['every record', (gate, epoch, campaign) => gate.forgetEveryUser(epoch, campaign)],
  ['what is pending', (gate, epoch, campaign) => gate.inventPending(epoch, campaign)],
  ['the terms of the campaign', (gate, epoch, campaign) => gate.forgetTerms(epoch, campaign)],
];

const word = ({ status, body }: Answer) => `${status} ${body.code ?? ''}`.trim();

describe('a gate that has lost', () => {
  let service: Service;
  let client: Client;

  const start = async (env: Record<string, string> = {}) => {
    service = await startService(env);
    client = new Client(service.url);
  };
  afterEach(() => void jest.restoreAllMocks());

  const ready = () => client.get('/health/ready');
  const epochOf = async (): Promise<number> => (await ready()).body.gate.epoch;
  const statusOf = (campaign: string, user: string, claimId?: string) => client.claimStatus(campaign, user, claimId);
  const damage = async (how: Damage, campaign: string) => {
    const epoch = await epochOf();
    await how(gateDamageOf(service), epoch, campaign);
    return epoch;
  };
  /** Waits until the gate is open again under a later epoch. */
  const rebuilt = (epoch: number) =>
    eventually(async () => {
      const { status, body } = await ready();
      expect([status, body.status, body.gate.state, body.gate.epoch > epoch]).toEqual([200, 'ok', 'open', true]);
    });
  const settled = (campaign: string, rows: number) =>
    eventually(async () => {
      expect(await client.audit(campaign)).toMatchObject({ gate: rows, pending: 0, issued: rows, rows, drift: 0 });
    });
  const grown = async (campaign: string) => {
    const { startsAt } = (await client.get(`/api/campaigns/${campaign}`)).body;
    await eventually(() => expect(Date.now() - Date.parse(startsAt)).toBeGreaterThan(CAMPAIGN_OPENING_MS));
  };

  /** Stops rebuilds after their first step until the test lets them go on. */
  const holdRebuilds = () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    // The first process that meets the fence rebuilds, a worker or an api.
    for (const app of service.apps) {
      const probe = jest.spyOn(app.get(RebuildProbe), 'after');
      probe.mockImplementation((step) => (step === 'leased' ? released : Promise.resolve()));
    }
    return release;
  };

  describe('while claims come in', () => {
    beforeAll(() => start());
    afterAll(() => service.stop());

    it.each(DAMAGES.flatMap(([what, how]) => [false, true].map((old) => [what, old ? 'old' : 'new', how] as const)))(
      '%s of a campaign that is %s promises nothing wrong, is rebuilt and loses no claim',
      async (_what, age, how) => {
        const TOTAL = 300;
        const campaign = await client.createCampaign(TOTAL);
        if (age === 'old') await grown(campaign);
        const promised = new Set<string>();
        const open = new Set<string>();
        const words: string[] = [];
        let soldOutWith: number | undefined;
        let epoch: number | undefined;
        let damaging: Promise<void> | undefined;

        const claim = async (user: string): Promise<Answer> => {
          // A user who is told to come back does so.
          return eventually(async () => {
            open.add(user);
            const answer = await client.apply(user, campaign);
            words.push(word(answer));
            if (answer.status === 202) promised.add(user);
            if (answer.status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
            if (answer.body.code === 'sold-out') {
              soldOutWith ??= open.size;
              open.delete(user);
            }
            if (promised.size >= TOTAL / 3) {
              damaging ??= damage(how, campaign).then((damaged) => void (epoch = damaged));
            }
            expect(answer.status).not.toBe(503);
            return answer;
          });
        };
        const users = Array.from({ length: 2 * TOTAL }, (_, index) => `u${index}`);
        await inParallel(users, 50, claim);
        await damaging;
        await rebuilt(epoch ?? Infinity);

        // Slots of claims that were answered 503 and never became durable are free again.
        for (let n = 0; (await claim(`late-${n}`)).status === 202; n++);

        const allowed = [
          '202',
          '409 already-claimed',
          '409 sold-out',
          '503 issuer-unavailable',
          '503 claim-unconfirmed',
        ];
        expect(Object.keys(tally(words)).filter((text) => !allowed.includes(text))).toEqual([]);
        // "Sold out" is true when it is said: as many users as there are coupons had asked and were not refused.
        expect(soldOutWith).toBeGreaterThanOrEqual(TOTAL);
        await settled(campaign, TOTAL);
        expect(promised.size).toBeLessThanOrEqual(TOTAL);
        const found = await inParallel([...promised], 20, async (user) => (await statusOf(campaign, user)).body);
        expect(tally(found.map(({ status }) => status as string))).toEqual({ ISSUED: promised.size });
        const sequences = found.map(({ sequence }) => sequence as number);
        expect(new Set(sequences).size).toBe(sequences.length);
      },
    );

    it('everything between a claim and its answer does not promise the claim, which may be made again', async () => {
      const campaign = await client.createCampaign(1);
      const log = service.app.get(ClaimLog);
      const publish = log.publish.bind(log);
      let release: () => void = () => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const admitted = new Promise<void>((resolve) => {
        jest.spyOn(log, 'publish').mockImplementationOnce(async (event) => {
          resolve();
          await released;
          await publish(event);
        });
      });
      const answering = client.apply('u', campaign);
      await admitted;
      // The rebuild finds the claim nowhere, and its event comes onto the log behind the cut.
      const epoch = await damage((gate, epoch) => gate.wipe(epoch), campaign);
      await rebuilt(epoch);
      release();
      const answer = await answering;
      const again = await client.claim('u', campaign);
      if (TOPOLOGY !== 'embedded' && word(answer) === '202') {
        // The publish was given up before any process noticed the loss, and the claim was stored as a failed event.
        expect(again.body.claim.sequence).toBe(answer.body.sequence);
      } else {
        expect([word(answer), word(again)]).toEqual(['503 claim-unconfirmed', '202']);
      }
      const promised = answer.status === 202 ? answer : again;
      await settled(campaign, 1);
      const { claimId } = promised.body;
      expect((await statusOf(campaign, 'u', claimId)).body).toMatchObject({ status: 'ISSUED', claimId });
    });

    it('everything when all are taken goes on saying sold out, to the winners that they have won', async () => {
      const TOTAL = 20;
      const campaign = await client.createCampaign(TOTAL);
      const winners = Array.from({ length: TOTAL }, (_, index) => `w${index}`);
      const first = await inParallel(winners, 10, (user) => client.claim(user, campaign));
      expect(tally(first.map(word))).toEqual({ 202: TOTAL });
      const epoch = await damage((gate, epoch) => gate.wipe(epoch), campaign);
      const words: string[] = [];
      await inParallel([...Array(200).keys()], 20, (n) =>
        eventually(async () => {
          const answer = await client.apply(n % 2 === 0 ? `late-${n}` : `w${n % TOTAL}`, campaign);
          words.push(word(answer));
          expect(word(answer)).toBe(n % 2 === 0 ? '409 sold-out' : '409 already-claimed');
        }),
      );
      expect(
        words.filter((text) => !/^(?:409 (?:sold-out|already-claimed)|503 issuer-unavailable)$/.test(text)),
      ).toEqual([]);
      await rebuilt(epoch);
      for (const [index, user] of winners.entries()) {
        expect((await client.claim(user, campaign)).body.claim.sequence).toBe(first[index]?.body.sequence);
      }
      await settled(campaign, TOTAL);
    });

    it('everything shows it, issues nothing, and forgets nobody until it is rebuilt', async () => {
      const campaign = await client.createCampaign(5);
      const { body: claim } = await client.claim('winner', campaign);
      await settled(campaign, 1);
      const release = holdRebuilds();
      const epoch = await damage((gate, epoch) => gate.wipe(epoch), campaign);
      try {
        await eventually(async () => expect((await ready()).body.gate.state).toBe('fenced'));
        const report = await ready();
        // The consumer and the retry go on without the gate, in a process that runs them.
        expect([report.status, report.body]).toMatchObject(
          service.apps.length === 1
            ? [
                503,
                { status: 'unavailable', dependencies: { gate: 'down' }, roles: { api: 'waiting', consumer: 'ready' } },
              ]
            : [503, { status: 'unavailable', dependencies: { gate: 'down' }, roles: { api: 'waiting' } }],
        );
        await eventually(async () => expect((await client.get('/metrics')).body).toMatch(/^coupon_gate_fenced 1$/m));
        for (const user of ['winner', 'new']) {
          expect(word(await client.apply(user, campaign))).toBe('503 issuer-unavailable');
        }
        expect(word(await client.apply('new', 'never-made'))).toMatch(
          /^503 issuer-unavailable$|^404 campaign-not-found$/,
        );
        const { claimId } = claim;
        expect((await statusOf(campaign, 'winner', claimId)).body).toMatchObject({ status: 'ISSUED', claimId });
        const unknown = await statusOf(campaign, 'new');
        expect(word(unknown)).toBe('503 issuer-unavailable');
        expect(unknown.headers.get('retry-after')).toMatch(/^\d+$/);
        await eventually(async () => {
          const view = await client.get(`/api/campaigns/${campaign}`);
          expect([view.status, view.body.remaining]).toEqual([200, null]);
        });
        expect(await client.audit(campaign)).toMatchObject({ gate: null, pending: null, rows: 1 });
      } finally {
        release();
      }
      await rebuilt(epoch);
      await eventually(async () => expect((await client.get('/metrics')).body).toMatch(/^coupon_gate_fenced 0$/m));
      expect(word(await statusOf(campaign, 'new'))).toBe('404 claim-not-found');
      await eventually(async () => {
        expect((await client.get(`/api/campaigns/${campaign}`)).body.remaining).toBe(4);
      });
      expect((await client.claim('new', campaign)).status).toBe(202);
      await settled(campaign, 2);
    });

    it('everything while a campaign is made and changed opens it with what was changed', async () => {
      const before = await client.createCampaign(5);
      const release = holdRebuilds();
      const epoch = await damage((gate, epoch) => gate.wipe(epoch), before);
      let made: string;
      try {
        await eventually(async () => expect((await ready()).body.gate.state).toBe('fenced'));
        made = await client.createCampaign(2);
        const paused = await client.admin('POST', `/api/admin/campaigns/${before}/pause`);
        expect([word(paused), paused.body.stored]).toEqual(['503 gate-not-told', true]);
        expect(word(await client.apply('u', made))).toBe('503 issuer-unavailable');
      } finally {
        release();
      }
      await rebuilt(epoch);
      expect(word(await client.claim('u', made))).toBe('202');
      expect(word(await client.claim('u', before))).toBe('409 campaign-paused');
      await settled(made, 1);
    });
  });

  describe('while nothing is consumed', () => {
    beforeAll(() => start({ ROLES: 'api' }));
    afterAll(() => service.stop());

    it.each(DAMAGES.flatMap(([what, how]) => [false, true].map((old) => [what, old ? 'old' : 'new', how] as const)))(
      '%s of a campaign that is %s never says that a promised claim does not exist',
      async (_what, age, how) => {
        const campaign = await client.createCampaign(5);
        if (age === 'old') await grown(campaign);
        const claim = await client.claim('winner', campaign);
        expect(claim.status).toBe(202);
        const release = holdRebuilds();
        const epoch = await damage(how, campaign);
        const words: string[] = [];
        const look = async () => {
          const answer = await statusOf(campaign, 'winner', claim.body.claimId);
          words.push(word(answer));
          return answer;
        };
        try {
          expect(word(await look())).toBe('503 issuer-unavailable');
          await eventually(async () => {
            await look();
            const { status, body } = await ready();
            expect([status, body.status, body.gate.state]).toEqual([503, 'unavailable', 'fenced']);
          });
          expect(word(await look())).toBe('503 issuer-unavailable');
        } finally {
          release();
        }
        const found = await eventually(async () => {
          const answer = await look();
          expect(answer.status).toBe(200);
          return answer;
        });
        expect(found.body).toMatchObject({ status: 'PENDING', claimId: claim.body.claimId });
        expect(Object.keys(tally(words)).filter((text) => !['200', '503 issuer-unavailable'].includes(text))).toEqual(
          [],
        );
        await rebuilt(epoch);
        const again = await client.claim('winner', campaign);
        expect([word(again), again.body.claim.sequence]).toEqual(['409 already-claimed', claim.body.sequence]);
      },
    );
  });
});
