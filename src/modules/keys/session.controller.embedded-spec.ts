import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { TEST_TOKEN, TestKeys, TestToken } from '../../../test/support/api-keys.js';
import { failure, FaultyDatabase } from '../../../test/support/consumer.js';
import { type EmbeddedStack, openEmbeddedStack } from '../../../test/support/embedded.js';
import { SetClock, SetTimers } from '../../../test/support/flow.js';
import '../../../test/support/quiet.js';
import { requestOf } from '../../../test/support/sessions.js';
import { parseEnv } from '../../platform/config/env.js';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { BOOTSTRAP } from '../../platform/identity/actor.js';
import { AdminAccess } from '../../platform/identity/admin-access.js';
import { Authenticator } from '../../platform/identity/authenticator.js';
import { RecordedCalls } from '../../platform/identity/recorded-calls.js';
import { Sessions } from '../../platform/identity/session/sessions.js';
import { NoTokens } from '../../platform/identity/tokens/token-verifier.js';
import { InstallationName } from './installation-name.js';
import { SessionController } from './session.controller.js';
import { StoredSessions } from './stored-sessions.js';

const CONFIG = parseEnv({});

describe('a sign-in while the database is away', () => {
  let stack: EmbeddedStack;
  let database: FaultyDatabase;
  let clock: SetClock;
  let keys: TestKeys;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    database = new FaultyDatabase(stack.database);
    clock = new SetClock();
    keys = new TestKeys();
    database.before = () => Promise.reject(failure('infrastructure'));
    database.beforeRead = () => {
      throw failure('infrastructure');
    };
  });
  afterEach(() => stack.close());

  /** One process, which has asked the database nothing yet. */
  function startProcess() {
    const [token, tokens, entropy] = [new TestToken(), new NoTokens(), new SystemEntropy()];
    const stored = new StoredSessions(database, clock, new SetTimers(clock));
    const sessions = new Sessions(CONFIG, stored, keys, token, tokens, clock, entropy);
    const access = new AdminAccess(new Authenticator(token, keys, clock), clock, tokens, sessions);
    const installation = new InstallationName(database);
    const recorded = new RecordedCalls(clock, entropy);
    return { access, controller: new SessionController(access, sessions, stored, installation, recorded, CONFIG) };
  }

  /** @returns the cookie. */
  async function signIn({ controller }: ReturnType<typeof startProcess>, credential: string): Promise<string> {
    let cookie = '';
    const reply = { header: (_name: string, value: string) => (cookie = value.split(';', 1)[0] as string) };
    const request = requestOf({ authorization: `Bearer ${credential}` }) as FastifyRequest;
    const by = { actor: BOOTSTRAP, requestId: 'one', address: '192.0.2.1' };
    await controller.signIn(request, by, reply as unknown as FastifyReply);
    return cookie;
  }

  it('lets ADMIN_TOKEN in, to this process and to every other one', async () => {
    const one = startProcess();
    const cookie = await signIn(one, TEST_TOKEN);
    // It does not wait for the database once more: a server that hangs costs 5 s each time.
    expect(database.transactions).toBe(0);
    for (const { access } of [one, startProcess()]) {
      expect(await access.identify(requestOf({ cookie }))).toMatchObject({ id: 'bootstrap', role: 'admin' });
    }
  });

  it('lets no key in where the keys of sessions were never read', async () => {
    await expect(signIn(startProcess(), keys.add('operator'))).rejects.toMatchObject({
      problemCode: 'database-unavailable',
    });
  });

  it('lets a key in whose process knows the keys of sessions', async () => {
    const one = startProcess();
    database.before = () => undefined;
    database.beforeRead = () => undefined;
    await signIn(one, keys.add('viewer'));
    database.before = () => Promise.reject(failure('infrastructure'));
    const cookie = await signIn(one, keys.add('operator'));
    expect(await one.access.identify(requestOf({ cookie }))).toMatchObject({ role: 'operator' });
  });
});
