// The built service, which ends or freezes itself at a chosen point: `node service-with-failpoint.mjs <point> <count>`.
// The count says at which passage. Nothing of this is in the service: the points are put around its ports from outside.
import { writeSync } from 'node:fs';
import { createApp, startApp } from '../../dist/app.setup.js';
import { readEnv } from '../../dist/config/env.js';
import { ClaimBatchContext } from '../../dist/events/claim-batch.context.js';
import { ClaimLog } from '../../dist/events/claim-log.js';

const [, , point, count] = process.argv;
let passages = 0;

/** SIGKILL ends the process inside this call; SIGSTOP lets it go on once somebody sends SIGCONT. */
function pass(signal) {
  passages += 1;
  if (passages !== Number(count)) return;
  // Both at once, before anything else of this process runs.
  writeSync(1, `failpoint ${point}\n`);
  process.kill(process.pid, signal);
}

const POINTS = {
  /** The gate has admitted the claim; nothing else knows of it. */
  'kill-before-publish': (app) => before(app.get(ClaimLog), 'publish', () => pass('SIGKILL')),
  'stop-before-publish': (app) => before(app.get(ClaimLog), 'publish', () => pass('SIGSTOP')),
  /** The broker has acknowledged; the caller has no answer yet. */
  'kill-after-publish': (app) => {
    const log = app.get(ClaimLog);
    const publish = log.publish.bind(log);
    log.publish = async (event) => {
      await publish(event);
      pass('SIGKILL');
    };
  },
  /** The batch is committed; its offset is not. */
  'kill-before-offset': () => before(ClaimBatchContext.prototype, 'settle', () => pass('SIGKILL')),
};

function before(target, method, act) {
  const original = target[method];
  target[method] = function (...args) {
    act();
    return original.apply(this, args);
  };
}

const app = await createApp(readEnv());
POINTS[point](app);
process.stdout.write(`listening on ${await startApp(app)}\n`);
