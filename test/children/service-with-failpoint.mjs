// The built service, which ends or freezes itself at a chosen point: `node service-with-failpoint.mjs <point> <count>`.
// The count says at which passage. Nothing of this is in the service: the points are put around its ports from outside.
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createApp } from '../../dist/app/app.setup.js';
import { startUp } from '../../dist/app/start-up.js';
import { parseEnv } from '../../dist/platform/config/env.js';
import { ClaimBatchContext } from '../../dist/ports/log/claim-batch.context.js';
import { ClaimLog } from '../../dist/ports/log/claim-log.js';
import { UnwatchedGate } from '../../dist/ports/gate/unwatched-gate.js';
import { KafkaClaimServer } from '../../dist/infrastructure/kafka/kafka-claim-server.js';
import { Database } from '../../dist/ports/database/database.js';
import { REBUILD_STEPS, RebuildProbe } from '../../dist/modules/recovery/rebuild-probe.js';
import { announce } from './announce.mjs';

const [, , wanted, count] = process.argv;
let passages = 0;

/** True at the passage that was asked for. */
function reached() {
  passages += 1;
  if (passages !== Number(count)) return false;
  // At once, before anything else of this process runs.
  announce(`failpoint ${wanted}`);
  return true;
}

/** SIGKILL ends the process inside this call; SIGSTOP lets it go on once the test sends SIGCONT. */
const ACTS = {
  kill: () => () => process.kill(process.pid, 'SIGKILL'),
  stop: () => () => process.kill(process.pid, 'SIGSTOP'),
  stand: standStill,
};

/**
 * Stops the process like `stop`, and its clocks and timers with it, as a hypervisor stops a machine: nothing in the
 * process shows how long it stood.
 */
function standStill() {
  let stoodMs = 0;
  const [monotonic, wall, after] = [performance.now.bind(performance), Date.now, globalThis.setTimeout];
  performance.now = () => monotonic() - stoodMs;
  Date.now = () => wall() - Math.round(stoodMs);
  globalThis.setTimeout = (work, ms = 0, ...args) => {
    const due = performance.now() + ms;
    const timer = after(() => {
      // By the machine's own clock it is due, by the one that stood still it is not.
      if (due - performance.now() > 5) timer.refresh();
      else work(...args);
    }, ms);
    return timer;
  };
  return () => {
    const from = monotonic();
    process.kill(process.pid, 'SIGSTOP');
    stoodMs += monotonic() - from;
  };
}

/** Where the process can be ended or frozen. */
const POINTS = {
  /** The gate has admitted the claim; nothing else knows of it. */
  'before-publish': (app, act) => before(app.get(ClaimLog), 'publish', act),
  /** The broker has acknowledged; the caller, or the row of the failed event, does not know it yet. */
  'after-publish': (app, act) => after(app.get(ClaimLog), 'publish', act),
  /** The batch is committed; its offset is not. */
  'before-offset': (_app, act) => before(ClaimBatchContext.prototype, 'settle', act),
  /** The row says that a closed campaign has left the gate; its memory is still there. */
  'before-removal': (app, act) => before(app.get(UnwatchedGate), 'removeCampaign', act),
  /** In the middle of the consumer's transaction, which holds the campaign's row. */
  'holding-campaign': (app, act) => {
    const database = app.get(Database);
    const transaction = database.transaction.bind(database);
    database.transaction = (work) =>
      transaction((unit) => {
        after(unit.campaigns, 'lock', act);
        return work(unit);
      });
  },
  ...Object.fromEntries(
    REBUILD_STEPS.map((step) => [
      step,
      (app, act) => before(app.get(RebuildProbe), 'after', (passed) => passed === step && act()),
    ]),
  ),
};

function before(target, method, act) {
  const original = target[method];
  target[method] = function (...args) {
    act(...args);
    return original.apply(this, args);
  };
}

function after(target, method, act) {
  const original = target[method];
  target[method] = async function (...args) {
    const result = await original.apply(this, args);
    act();
    return result;
  };
}

/** The disk takes the data and cannot sync them, from that sync on. What it has synced before is said in bytes of the log. */
async function failSyncs(directory) {
  const log = join(directory, 'coupon.sqlite-wal');
  const some = await open(process.argv[1]);
  const prototype = Object.getPrototypeOf(some);
  await some.close();
  const { datasync } = prototype;
  let synced = 0;
  let failed = false;
  prototype.datasync = async function () {
    const { size } = statSync(log);
    // A commit may be on the disk already, with one that was synced while it was written: only what is new can be lost.
    if (!failed && size > synced && reached()) {
      failed = true;
      announce(`synced ${synced}`);
    }
    if (failed) throw new Error('EIO: i/o error, fdatasync');
    await datasync.call(this);
    synced = size;
  };
}

const app = await createApp(parseEnv(process.env));
if (wanted === 'fail-sync') {
  await failSyncs(process.env.DATA_DIR);
} else if (wanted === 'crash-consumer') {
  // As a mistake of ours would: kafkajs starts no consumer again after a TypeError.
  before(KafkaClaimServer.prototype, 'consume', () => {
    if (reached()) throw new TypeError('thrown by the failpoint');
  });
} else {
  const [, verb, point] = /^(kill|stop|stand)-(.+)$/.exec(wanted);
  const act = ACTS[verb]();
  POINTS[point](app, () => {
    if (reached()) act();
  });
}
process.stdout.write(`listening on ${(await startUp(app)).url}\n`);
