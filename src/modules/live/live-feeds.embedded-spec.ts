import { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { type EmbeddedStack, openEmbeddedStack, openEpoch, storeCampaign } from '../../../test/support/embedded.js';
import { EventSource } from '../../../test/support/event-source.js';
import { SetTimers } from '../../../test/support/flow.js';
import { watchOf } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { parseEnv } from '../../platform/config/env.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { EventStreams } from '../../platform/http/streams/event-streams.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { KnownDrifts } from '../../ports/live/known-drifts.js';
import { LiveCounters } from '../../ports/live/live-counters.js';
import { Admission } from '../gate-watch/admission.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';
import { RoleStates } from '../gate-watch/role-states.js';
import { CampaignReadings } from './campaign-readings.js';
import { CounterPublisher } from './counter-publisher.js';
import { LiveFeeds } from './live-feeds.js';

Logger.overrideLogger(false);

describe('campaigns that are watched at a process', () => {
  let stack: EmbeddedStack;
  let pass: GatePass;
  let timers: SetTimers;
  let counters: LiveCounters;
  let drifts: KnownDrifts;
  let publisher: CounterPublisher;
  let streams: EventStreams;
  let feeds: LiveFeeds;
  let app: FastifyInstance;
  let url: string;
  let reads: number;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await storeCampaign(stack, { id: 'a', total: 10 });
    pass = await openEpoch(stack, 10);
    const watch = watchOf(stack);
    await watch.refresh();
    timers = new SetTimers();
    const { clock } = timers;
    const config = parseEnv({});
    const entropy = new SystemEntropy();
    counters = new LiveCounters();
    drifts = new KnownDrifts();
    const admission = new Admission(watch, stack.log);
    const states = new RoleStates(config, watch, stack.log, admission, new ForeignClaims(clock));
    publisher = new CounterPublisher(stack.board, counters, watch, states, clock, timers, entropy, config);
    streams = new EventStreams(config, clock, timers, entropy);
    const readings = new CampaignReadings(stack.database, stack.gate, watch, clock, timers);
    feeds = new LiveFeeds(readings, stack.board, publisher, drifts, streams, clock, timers);
    publisher.start();
    reads = 0;
    const read = stack.database.read.bind(stack.database);
    stack.database.read = (work) => {
      reads += 1;
      return read(work);
    };
    app = fastify({ forceCloseConnections: true });
    app.get<{ Params: { kind: string; id: string } }>('/:kind/:id', async (request, reply) => {
      const { kind, id } = request.params;
      try {
        if (kind === 'public') await feeds.watch(id, request, reply);
        else await feeds.watchAsOperator(id, request, reply, async () => true);
      } catch (error) {
        reply.code(500).send((error as Problem).code);
      }
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    feeds.onModuleDestroy();
    streams.onModuleDestroy();
    await publisher.beforeApplicationShutdown();
    await app.close();
    await stack.close();
  });

  const open = async (kind: 'public' | 'operator', id = 'a') => {
    const source = await EventSource.open(`${url}/${kind}/${id}`);
    await source.find('the first sample', () => true);
    return source;
  };
  const claim = (userId: string) =>
    stack.gate.claim(pass, { campaignId: 'a', userId, claimId: `claim-${userId}`, idempotencyDigest: null });
  /** Lets a second pass, and waits until its sample was made and sent. */
  const second = async () => {
    const before = reads;
    await timers.pass(1_000);
    await until('a sample', () => reads > before);
    await timers.pass(0);
  };

  it('are read once a second, however many watch', async () => {
    const sources = await Promise.all(Array.from({ length: 30 }, () => open('public')));
    const operator = await open('operator');
    reads = 0;
    for (let n = 0; n < 3; n++) {
      await claim(`u${n}`);
      await second();
      for (const source of sources) await source.find('what is left', ({ data }) => data.remaining === 9 - n);
      await operator.find('what is left', ({ data }) => data.remaining === 9 - n);
    }
    expect(reads).toBe(3);
  });

  it('are shown to the public when something changes, and every 15 s', async () => {
    const [source, operator] = [await open('public'), await open('operator')];
    await second();
    await operator.find('the second sample', () => operator.events.length === 2);
    const shown = source.events.length;
    for (let n = 0; n < 10; n++) await second();
    await operator.find('ten more', () => operator.events.length === 12);
    expect(source.events).toHaveLength(shown);
    for (let n = 0; n < 6; n++) await second();
    await source.find('one that is the same', () => source.events.length === shown + 1);
    await claim('u1');
    await second();
    await source.find('one that is new', ({ data }) => data.remaining === 9);
  });

  it('are shown with this process alone while the board is away', async () => {
    const operator = await open('operator');
    await second();
    await second();
    counters.count('a', 'accepted');
    await second();
    await second();
    const together = await operator.find('a rate', ({ data }) => data.rates?.claims > 0);
    expect(together.data).toMatchObject({ unavailable: [], processes: [{ roles: ['api', 'consumer', 'retry'] }] });
    stack.board.read = () => Promise.reject(new Error('away'));
    counters.count('a', 'sold_out');
    await second();
    const alone = await operator.find('a refusal', ({ data }) => data.rates?.refusals['sold-out'] > 0);
    expect(alone.data).toMatchObject({ unavailable: ['processes'], processes: [{ rates: { claims: 0 } }] });
  });

  it('have the drift that was measured last, and its age', async () => {
    const operator = await open('operator');
    expect(operator.events[0]?.data).toMatchObject({ drift: null, driftAgeMs: null });
    drifts.set('a', { drift: 2, measuredAt: timers.clock.monotonic() - 500 });
    await second();
    const { data } = await operator.find('a drift', (event) => event.data.drift === 2);
    expect(data.driftAgeMs).toBeGreaterThanOrEqual(500);
    expect(data.driftAgeMs).toBeLessThanOrEqual(1_600);
  });

  it('are read no longer when the public has left, and for 15 minutes when operators have', async () => {
    const source = await open('public');
    source.close();
    await until('it has left', () => streams.size('public') === 0);
    await timers.pass(1_000);
    const [operator] = [await open('operator')];
    await second();
    operator.close();
    await until('it has left', () => streams.size('operator') === 0);
    for (let n = 0; n < 5; n++) await second();
    const again = await open('operator');
    await again.find('what it has missed', () => again.events.length >= 6);
    again.close();
    await until('it has left', () => streams.size('operator') === 0);
    timers.clock.pass(900_000);
    await timers.pass(2_000);
    reads = 0;
    await timers.pass(3_000);
    expect(reads).toBe(0);
  });

  it('are those that exist', async () => {
    expect(await (await fetch(`${url}/public/missing`)).text()).toBe('campaign-not-found');
    stack.database.read = () => Promise.reject(new Error('away'));
    expect(await (await fetch(`${url}/operator/other`)).text()).toBe('database-unavailable');
  });

  it('are a thousand for the public, and operators watch others all the same', async () => {
    await storeCampaign(stack, { id: 'b' });
    const watched = (feeds as unknown as { readonly feeds: Map<string, unknown> }).feeds;
    for (let n = 0; n < 1_000; n++) watched.set(`c${n}`, { isForOperators: false });
    expect(await (await fetch(`${url}/public/b`)).text()).toBe('too-many-watchers');
    const source = await open('operator', 'b');
    expect(source.response.statusCode).toBe(200);
    for (let n = 0; n < 1_000; n++) watched.delete(`c${n}`);
  });

  it('are kept with their charts for 32 campaigns, those first that are watched', async () => {
    for (let n = 0; n < 33; n++) await storeCampaign(stack, { id: `c${n}` });
    const sources = [];
    for (let n = 0; n < 32; n++) sources.push(await open('operator', `c${n}`));
    expect(await (await fetch(`${url}/operator/c32`)).text()).toBe('too-many-watchers');
    sources[7]?.close();
    await until('one has left', () => streams.size('operator') === 31);
    const other = await open('operator', 'c32');
    expect(other.events[0]?.data).toMatchObject({ campaignId: 'c32' });
  });
});
