// A server of the bisection: the built service, in which a claim comes as far as one layer and is then answered as the
// bare server answers it. `node layer-server.mjs LAYER`; bisection.ts has the layers in their order. As in the tests with
// failpoints, the service knows nothing of it: what is left out is replaced from outside.
import { createApp } from '../dist/app/app.setup.js';
import { startUp } from '../dist/app/start-up.js';
import { ClaimController } from '../dist/modules/issuance/claim.controller.js';
import { ClaimIssuance } from '../dist/modules/issuance/claim-issuance.js';
import { ClaimRecorder } from '../dist/modules/issuance/claim-recorder.js';
import { parseEnv } from '../dist/platform/config/env.js';
import { idempotencyKeyOf } from '../dist/platform/http/input/idempotency-key.js';
import { validBody } from '../dist/platform/http/input/validation.pipe.js';
import { bareReply } from './bare-reply.mjs';

const app = await createApp(parseEnv(process.env), { logger: false });
const controller = app.get(ClaimController);
let sequence = 0;

function answer(reply, { userId, campaignId = 'default' }) {
  sequence += 1;
  void bareReply(reply, userId, campaignId, sequence);
}

/** Replaces the handler. Nest takes its route and its parameters from the class. */
function handle(handler) {
  controller.applyForCoupon = handler;
}

/** What the controller does before the claim is issued. */
function read(request) {
  controller.rates.checkAddress(request);
  const caller = controller.access.identifyClaimant(request);
  const { userId: named, campaignId } = validBody(controller.body, request.body);
  const userId = controller.access.userOf(caller, named);
  const idempotencyKey = idempotencyKeyOf(request.headers) ?? null;
  controller.rates.checkUser(userId);
  return { campaignId, userId, idempotencyKey, entryToken: request.headers['x-entry-token'], span: request.span };
}

async function issue(request, reply) {
  const application = read(request);
  const { kind } = await app.get(ClaimIssuance).apply(application);
  if (kind !== 'accepted') throw new Error(kind);
  answer(reply, application);
}

const LAYERS = {
  route: () => {
    const route = { config: { admission: 'at-once' } };
    const fastify = app.getHttpAdapter().getInstance();
    fastify.post('/layer', route, (request, reply) => answer(reply, request.body));
  },
  Nest: () => handle(async (request, reply) => answer(reply, request.body)),
  body: () => handle(async (request, reply) => answer(reply, read(request))),
  gate: () => {
    // The claim is admitted, and nothing but the gate knows of it.
    app.get(ClaimRecorder).record = () => Promise.resolve(true);
    handle(issue);
  },
  log: () => handle(issue),
  // The service as it is: replies at the end of a turn, in the caller's language, with the claim's own values.
  reply: () => {},
};

LAYERS[process.argv[2]]();
const { url } = await startUp(app);
console.log(`listening on ${url}`);
