import { expect, it } from '@jest/globals';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { Problem } from '../../platform/http/problem/problem.js';
import { type AdminAccess } from '../../platform/identity/admin-access.js';
import { SlowedGuess } from '../../platform/identity/guess-limit.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { AdminLiveController } from './admin-live.controller.js';
import { type LiveFeeds } from './live-feeds.js';

/** May a watcher stay whose credential is judged with this outcome? */
async function maySee(outcome: Error | null): Promise<boolean> {
  let judge: (() => Promise<boolean>) | undefined;
  const feeds = { watchAsOperator: (...[, , , maySee]: (() => Promise<boolean>)[]) => void (judge = maySee) };
  const access = { enter: () => (outcome === null ? Promise.resolve() : Promise.reject(outcome)) };
  const controller = new AdminLiveController(feeds as unknown as LiveFeeds, access as unknown as AdminAccess);
  await controller.watchCampaignAsOperator({ campaignId: 'a' }, {} as FastifyRequest, {} as FastifyReply);
  return (judge as () => Promise<boolean>)();
}

it.each([
  ['a credential that is right', null, true],
  ['a credential that was revoked', new Problem('unauthorized'), false],
  ['a role that is too low', new Problem('role-not-allowed'), false],
  ['a revoked credential whose holder guesses beside it', new SlowedGuess(60), false],
  ['a database that does not answer', new DatabaseError('infrastructure', 'ECONNREFUSED', 'away'), true],
  ['a provider that does not answer', new Problem('identity-unavailable'), true],
])('with %s a stream of operators goes on: %p %p', async (_what, outcome, stays) => {
  expect(await maySee(outcome)).toBe(stays);
});
