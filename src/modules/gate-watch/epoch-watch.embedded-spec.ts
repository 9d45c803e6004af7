import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type EmbeddedStack, openEmbeddedStack, openEpoch } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import { until } from '../../../test/support/until.js';
import { CONFIRM_TIMEOUT_MS } from '../../domain/deadlines.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type Fenced, type GatePass, GateTimeoutError, GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from './epoch-watch.js';
import { type FenceSignal } from './fence-signal.js';

/** The real database; a test cuts the connection to it or delays its answers. */
class DistantDatabase extends Database {
  away = false;
  reads = 0;
  /** Awaited after the row was read and before the answer arrives. */
  delay: () => Promise<void> = () => Promise.resolve();

  constructor(private readonly database: Database) {
    super();
  }

  transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.transaction(work);
  }

  snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.database.snapshot(work);
  }

  async read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    this.reads += 1;
    const { away, delay } = this;
    if (away) throw new Error('connection refused');
    const answer = await this.database.read(work);
    await delay();
    return answer;
  }
}

Logger.overrideLogger(false);

let stack: EmbeddedStack;
let clock: SetClock;
let database: DistantDatabase;
let watch: EpochWatch;
let pass: GatePass;
let signals: [number, FenceSignal][];

beforeEach(async () => {
  stack = await openEmbeddedStack();
  clock = new SetClock();
  database = new DistantDatabase(stack.database);
  watch = new EpochWatch(database, stack.gate, clock, systemTimers);
  signals = [];
  watch.onFence((epoch, signal) => signals.push([epoch, signal]));
  pass = await openEpoch(stack, 10);
});

afterEach(async () => {
  await watch.onApplicationShutdown();
  await stack.close();
});

const setRow = (epoch: number, fence: string | null) =>
  stack.connection.exclusive((runner) => runner.query('UPDATE gate SET epoch = ?, script_sha = ?', [epoch, fence]));
/** One beat, as after 500 ms. */
const beat = async () => {
  clock.pass(500);
  await (watch as unknown as { look(): Promise<void> }).look();
};

function held(): { promise: Promise<void>; release: () => void } {
  let release: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (release = resolve));
  return { promise, release };
}

describe('what a 202 needs', () => {
  it('is a read of the gate row that was started after the claim became durable', async () => {
    await watch.refresh();
    expect(await watch.confirmOpen(10)).toBe(true);
    expect(database.reads).toBe(2);
    await setRow(11, null);
    expect(await watch.confirmOpen(10)).toBe(false);
    expect(database.reads).toBe(3);
  });

  it.each([
    ['both clocks stood still, as those of a host that its hypervisor stops', { monotonic: 0, wall: 0 }],
    ['the monotonic clock stood still, as in a suspended machine', { monotonic: 0, wall: 60_000 }],
    ['the wall clock was set back', { monotonic: 60_000, wall: -3_600_000 }],
  ])('is that read also when %s', async (_what, { monotonic, wall }) => {
    await watch.refresh();
    await setRow(11, null);
    clock.at = { monotonic: clock.at.monotonic + monotonic, wall: clock.at.wall + wall };
    expect(await watch.confirmOpen(10)).toBe(false);
  });

  it('is not a read that is still under way when the claim becomes durable', async () => {
    await watch.refresh();
    const line = held();
    database.delay = () => line.promise;
    const early = watch.confirmOpen(10);
    // The answer that is under way shows the epoch open.
    await until('the second read of the row', () => database.reads === 2);
    await stack.database.read((unit) => unit.gate.read());
    database.delay = () => Promise.resolve();
    await setRow(11, null);
    const late = watch.confirmOpen(10);
    line.release();
    expect(await early).toBe(true);
    expect(await late).toBe(false);
    expect(database.reads).toBe(3);
  });

  it('is not a read of the beat that is under way either', async () => {
    await watch.refresh();
    const line = held();
    database.delay = () => line.promise;
    const beating = watch.refresh();
    await until('the second read of the row', () => database.reads === 2);
    await stack.database.read((unit) => unit.gate.read());
    database.delay = () => Promise.resolve();
    await setRow(11, null);
    expect(await watch.confirmOpen(10)).toBe(false);
    line.release();
    await beating;
  });

  it('is one read for all claims of a batch, and the next one for all that come during it', async () => {
    await watch.refresh();
    const line = held();
    database.delay = () => line.promise;
    const first = Array.from({ length: 50 }, () => watch.confirmOpen(10));
    await until('the second read of the row', () => database.reads === 2);
    const second = Array.from({ length: 50 }, () => watch.confirmOpen(10));
    line.release();
    expect(new Set(await Promise.all([...first, ...second]))).toEqual(new Set([true]));
    expect(database.reads).toBe(3);
  });

  it('is one read also where claims of two epochs wait for it', async () => {
    await watch.refresh();
    await setRow(11, 'fence');
    expect(await Promise.all([watch.confirmOpen(10), watch.confirmOpen(11)])).toEqual([false, true]);
    expect(database.reads).toBe(2);
  });

  it('is refused under an epoch that is over, not open yet, or not known', async () => {
    expect(await watch.confirmOpen(9)).toBe(false);
    expect(await watch.confirmOpen(11)).toBe(false);
    await setRow(11, null);
    expect(await watch.confirmOpen(10)).toBe(false);
    expect(await watch.confirmOpen(11)).toBe(false);
  });

  it('is that read also after trouble at the gate, and no later one', async () => {
    await watch.refresh();
    const line = held();
    database.delay = () => line.promise;
    const confirmed = watch.confirmOpen(10);
    await until('the second read of the row', () => database.reads === 2);
    // The claim was durable while the epoch was open, whatever the gate does from now on.
    clock.pass(1);
    watch.reportGateTrouble();
    line.release();
    expect(await confirmed).toBe(true);
    expect(database.reads).toBe(2);
  });

  it('is given up after half a second, without a timer for each claim', async () => {
    const timers = new SetTimers(clock);
    const own = new EpochWatch(database, stack.gate, clock, timers);
    await own.refresh();
    const line = held();
    database.delay = () => line.promise;
    const { size } = timers;
    const answers = Array.from({ length: 50 }, () => own.confirmOpen(10));
    await until('the second read of the row', () => database.reads === 2);
    // The read's own, and the one that watches over all claims.
    expect(timers.size).toBe(size + 2);
    answers.push(own.confirmOpen(10));
    await timers.pass(CONFIRM_TIMEOUT_MS + 50);
    // The database counts as silent, and every gate call has succeeded.
    expect(new Set(await Promise.all(answers))).toEqual(new Set([true]));
    expect(database.reads).toBe(2);
    line.release();
  });
});

describe('where no other process can write to the database', () => {
  let alone: EpochWatch;

  beforeEach(async () => {
    alone = new EpochWatch(stack.database, stack.gate, clock, systemTimers);
    await alone.refresh();
  });

  it('no read is needed: this process knows what it has written', () => {
    expect([alone.isSurelyOpen(10), watch.isSurelyOpen(10)]).toEqual([true, false]);
    expect([alone.isSurelyOpen(9), alone.isSurelyOpen(11)]).toEqual([false, false]);
  });

  it('nothing leaves any more from the moment at which a fence calls for a rebuild', async () => {
    let atTheCall: boolean | undefined;
    alone.onFence(() => (atTheCall = alone.isSurelyOpen(10)));
    alone.reportFence(10, 'count-mismatch');
    expect(atTheCall).toBe(false);
    expect(await alone.confirmOpen(10)).toBe(false);
  });
});

describe('while the database does not answer', () => {
  beforeEach(async () => {
    await watch.refresh();
    database.away = true;
    clock.pass(1_001);
  });

  it('the last epoch goes on for as long as every gate call succeeds', async () => {
    expect(await watch.confirmOpen(10)).toBe(true);
    clock.pass(60_000);
    await beat();
    expect(await watch.confirmOpen(10)).toBe(true);
    expect(await watch.confirmOpen(9)).toBe(false);
    expect(watch.state).toEqual({ state: 'open', epoch: 10, databaseAway: true, gateTrouble: null, script: null });
  });

  it('does not keep every 202 waiting for its own time-out', async () => {
    await watch.confirmOpen(10);
    const { reads } = database;
    for (let count = 0; count < 50; count++) expect(await watch.confirmOpen(10)).toBe(true);
    expect(database.reads).toBe(reads);
    clock.pass(1_001);
    await watch.confirmOpen(10);
    expect(database.reads).toBe(reads + 1);
  });

  it.each([
    ['a gate call timed out', () => Promise.resolve(watch.reportGateTrouble())],
    ['the gate’s connection is a new one', () => watch.gateReconnected()],
    [
      'a ping failed',
      () => {
        stack.gate.ping = () => Promise.reject(new GateTimeoutError('no answer'));
        return beat();
      },
    ],
  ])('nothing is promised any more once %s, until it answers', async (_what, happen) => {
    await happen();
    expect(await watch.confirmOpen(10)).toBe(false);
    clock.pass(1);
    database.away = false;
    expect(await watch.confirmOpen(10)).toBe(true);
  });

  it.each([
    ['the gate answered a claim with a fence', () => Promise.resolve(watch.reportFence(10, 'meta-missing'))],
    [
      'a ping found no fence',
      () => {
        stack.memory.drop(10);
        return beat();
      },
    ],
  ])('nothing is promised any more under this epoch once %s', async (_what, happen) => {
    await happen();
    expect(await watch.confirmOpen(10)).toBe(false);
    clock.pass(1);
    database.away = false;
    expect(await watch.confirmOpen(10)).toBe(false);
  });

  it('nothing is promised after a missing fence is back either, until the database answers', async () => {
    watch.reportFence(10, 'fence-missing');
    clock.pass(1);
    await beat();
    expect(watch.pass).toEqual(pass);
    expect(await watch.confirmOpen(10)).toBe(false);
    clock.pass(1);
    database.away = false;
    expect(await watch.confirmOpen(10)).toBe(true);
  });

  it('a read that hangs ends after its time-out', async () => {
    database.away = false;
    database.delay = () => new Promise(() => undefined);
    expect(await watch.confirmOpen(10)).toBe(true);
    await until('the read is given up', () => watch.state.databaseAway);
  });
});

describe('reads that come back in the wrong order', () => {
  it('leave the later row standing', async () => {
    const line = held();
    database.delay = () => line.promise;
    const late = watch.refresh();
    await until('the first read of the row', () => database.reads === 1);
    await stack.database.read((unit) => unit.gate.read());
    database.delay = () => Promise.resolve();
    clock.pass(600);
    await setRow(11, 'fence');
    await watch.refresh();
    expect(watch.pass).toMatchObject({ epoch: 11, fence: 'fence' });
    line.release();
    await late;
    expect(watch.pass).toMatchObject({ epoch: 11, fence: 'fence' });
    expect(signals).toEqual([]);
  });

  it('do not close an epoch that was seen open', async () => {
    await setRow(11, null);
    const line = held();
    database.delay = () => line.promise;
    const late = watch.refresh();
    await until('the first read of the row', () => database.reads === 1);
    await stack.database.read((unit) => unit.gate.read());
    database.delay = () => Promise.resolve();
    clock.pass(600);
    await setRow(11, 'fence');
    await watch.refresh();
    line.release();
    await late;
    expect(watch.pass).toMatchObject({ epoch: 11, fence: 'fence' });
  });

  it('do not make the last answer older, so that one that fails in between is no silence', async () => {
    const [first, second] = [held(), held()];
    database.delay = () => first.promise;
    const late = watch.refresh();
    await until('the first read of the row', () => database.reads === 1);
    clock.pass(600);
    database.delay = () => second.promise.then(() => Promise.reject(new Error('the connection was lost')));
    const lost = watch.refresh();
    await until('the second read of the row', () => database.reads === 2);
    await stack.database.read((unit) => unit.gate.read());
    database.delay = () => Promise.resolve();
    clock.pass(600);
    await watch.refresh();
    first.release();
    await late;
    second.release();
    expect(await lost).toBe(false);
    expect(watch.state.databaseAway).toBe(false);
  });
});

describe('a database that was restored from a backup', () => {
  it('confirms nothing, and calls for a rebuild above every epoch that was seen', async () => {
    await watch.refresh();
    clock.pass(1_001);
    await setRow(3, 'old');
    expect(await watch.confirmOpen(10)).toBe(false);
    expect(await watch.confirmOpen(3)).toBe(false);
    expect(watch.pass).toBeNull();
    await beat();
    expect(signals).toEqual([[10, 'epoch-went-back']]);
    await setRow(12, 'new');
    clock.pass(501);
    await watch.refresh();
    expect(watch.pass).toMatchObject({ epoch: 12, fence: 'new' });
  });
});

describe('a fence', () => {
  it('closes the epoch, and is told again with every beat until the epoch moves on', async () => {
    await watch.refresh();
    watch.reportFence(10, 'count-mismatch');
    expect(watch.pass).toBeNull();
    expect(watch.state).toMatchObject({ state: 'fenced', epoch: 10 });
    await beat();
    await beat();
    expect(signals).toEqual(Array(3).fill([10, 'count-mismatch']));
    await setRow(11, null);
    await beat();
    await setRow(11, pass.fence);
    clock.pass(500);
    await watch.refresh();
    expect(signals.at(-1)).toEqual([11, 'not-open']);
    expect(watch.pass).toMatchObject({ epoch: 11, fence: pass.fence });
  });

  it('lets no 202 out any more, however fresh the read: the rebuild may have taken its cut already', async () => {
    await watch.refresh();
    watch.reportFence(10, 'count-mismatch');
    clock.pass(1);
    await watch.refresh();
    expect(await watch.confirmOpen(10)).toBe(false);
    database.away = true;
    clock.pass(1_001);
    expect(await watch.confirmOpen(10)).toBe(false);
  });

  it('at a campaign whose meta may still be on its way is none, any other one at a campaign is', async () => {
    await watch.refresh();
    watch.reportCampaignFence(pass, { kind: 'fenced', reason: 'meta-missing' });
    expect([watch.pass, signals]).toEqual([pass, []]);
    watch.reportCampaignFence(pass, { kind: 'fenced', reason: 'pending-mismatch' });
    expect([watch.pass, signals]).toEqual([null, [[10, 'pending-mismatch']]]);
  });

  it('of an epoch that is over is not reported', async () => {
    await watch.refresh();
    watch.reportFence(9, 'fence-missing');
    expect(signals).toEqual([]);
    expect(watch.pass).toEqual(pass);
  });

  it('that was only missing heals when the gate’s memory is back', async () => {
    await watch.refresh();
    const ping = stack.gate.ping.bind(stack.gate);
    stack.gate.ping = () => Promise.resolve<Fenced>({ kind: 'fenced', reason: 'fence-missing' });
    await beat();
    expect(watch.pass).toBeNull();
    stack.gate.ping = ping;
    await beat();
    expect(watch.pass).toEqual(pass);
    expect(signals).toEqual([[10, 'fence-missing']]);
  });

  it('that was met while a ping was under way is not healed by it', async () => {
    await watch.refresh();
    const line = held();
    const ping = stack.gate.ping.bind(stack.gate);
    let asked = false;
    stack.gate.ping = async (shown) => {
      const outcome = await ping(shown);
      asked = true;
      await line.promise;
      return outcome;
    };
    const beating = beat();
    await until('the ping', () => asked);
    clock.pass(1);
    watch.reportFence(10, 'fence-missing');
    line.release();
    await beating;
    expect(watch.pass).toBeNull();
  });

  it('of damaged memory stays, also after a good ping and after a missing fence', async () => {
    await watch.refresh();
    watch.reportFence(10, 'meta-missing');
    watch.reportFence(10, 'fence-missing');
    await beat();
    expect(watch.pass).toBeNull();
  });

  it('is told to the other listeners when one of them throws', async () => {
    await watch.refresh();
    const deaf = new EpochWatch(database, stack.gate, clock, systemTimers);
    await deaf.refresh();
    const heard: number[] = [];
    deaf.onFence(() => {
      throw new Error('not my day');
    });
    deaf.onFence((epoch) => heard.push(epoch));
    deaf.reportFence(10, 'meta-missing');
    expect(heard).toEqual([10]);
  });

  it('is not told while the database is away, since nothing can be rebuilt then', async () => {
    await watch.refresh();
    watch.reportFence(10, 'meta-missing');
    database.away = true;
    await beat();
    expect(signals).toHaveLength(1);
  });
});

describe('the age of an epoch', () => {
  it('counts from the last look at which it was not open yet', async () => {
    await watch.refresh();
    await setRow(11, null);
    clock.pass(500);
    await watch.refresh();
    await setRow(11, 'fence');
    clock.pass(500);
    await watch.refresh();
    clock.pass(500);
    await watch.refresh();
    expect([watch.openedWithin(1_000, 11), watch.openedWithin(999, 11)]).toEqual([true, false]);
    expect(watch.openedWithin(60_000, 10)).toBe(false);
  });

  it('is known where one epoch was open right after the other', async () => {
    await watch.refresh();
    await setRow(11, 'fence');
    clock.pass(500);
    await watch.refresh();
    expect([watch.openedWithin(500, 11), watch.openedWithin(499, 11)]).toEqual([true, false]);
  });

  it('is not known where the epoch was there before the process', async () => {
    await watch.refresh();
    expect(watch.openedWithin(60_000, 10)).toBe(false);
  });
});

it('knows the script that answered the last ping, while the gate is open', async () => {
  const script = { version: '0123456789ab', current: false };
  stack.gate.ping = () => Promise.resolve({ kind: 'ok', script });
  await beat();
  expect(watch.state).toMatchObject({ state: 'open', script });
  watch.reportFence(10, 'fence-missing');
  expect(watch.state).toMatchObject({ state: 'fenced', script: null });
});

it('says whether the gate answered the last ping', async () => {
  const ping = stack.gate.ping.bind(stack.gate);
  stack.gate.ping = () => Promise.reject(new GateTimeoutError('no answer'));
  await beat();
  expect(watch.state).toMatchObject({ state: 'open', gateTrouble: 'the gate does not answer' });
  stack.gate.ping = ping;
  await beat();
  expect(watch.state).toMatchObject({ state: 'open', gateTrouble: null });
});

describe('a gate that answers and takes nothing', () => {
  const full = new GateUnavailableError('Redis refuses, it is out of memory');

  it('is found by the next beat without any claim, and found well again', async () => {
    stack.gate.checkWritable = () => Promise.reject(full);
    await beat();
    expect(watch.state).toMatchObject({ state: 'open', gateTrouble: full.message });
    stack.gate.checkWritable = () => Promise.resolve();
    await beat();
    expect(watch.state).toMatchObject({ state: 'open', gateTrouble: null });
  });

  it('is known from the claim that it refused, also when a ping that was sent earlier succeeds', async () => {
    await watch.refresh();
    watch.reportGateRefusal(full);
    expect(watch.state.gateTrouble).toBe(full.message);
    clock.pass(1);
    stack.gate.checkWritable = () => {
      clock.pass(1);
      watch.reportGateRefusal(full);
      return Promise.resolve();
    };
    await beat();
    expect(watch.state.gateTrouble).toBe(full.message);
    stack.gate.checkWritable = () => Promise.resolve();
    clock.pass(1);
    await beat();
    expect(watch.state.gateTrouble).toBeNull();
  });

  it('is still found fenced', async () => {
    stack.gate.checkWritable = () => Promise.reject(full);
    stack.memory.drop(10);
    await beat();
    expect(watch.state.state).toBe('fenced');
  });
});

it('beats by itself after its start, and stops with the process', async () => {
  await watch.start();
  await until('two beats', () => database.reads >= 2);
  await watch.onApplicationShutdown();
  const { reads } = database;
  await watch.gateReconnected();
  expect(database.reads).toBe(reads);
});

it('starts without a database, and knows nothing until it comes', async () => {
  database.away = true;
  await watch.start();
  expect(watch.state).toEqual({ state: 'unknown', epoch: null, databaseAway: true, gateTrouble: null, script: null });
  expect(await watch.confirmOpen(10)).toBe(false);
  database.away = false;
  await until('an open epoch', () => watch.pass !== null);
});
