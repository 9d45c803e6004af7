import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Module, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { until } from '../../../../test/support/until.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseEnv } from '../../config/env.js';
import { Authenticator } from '../../identity/authenticator.js';
import { Clock, systemClock } from '../../flow/clock.js';
import { AdminAccess } from '../../identity/admin-access.js';
import { Sessions } from '../../identity/session/sessions.js';
import { NoTokens, type TokenOutcome, TokenVerifier } from '../../identity/tokens/token-verifier.js';
import { configureHttp, createFastifyAdapter } from '../server/fastify.js';
import { installReadAdmission } from './read-admission.js';

const OPERATOR = 'eyJh.eyJvcGVyYXRvciI6MX0.c2ln';
const USER = 'eyJh.eyJ1c2VyIjoxfQ.c2ln';

/** A new process: it has not verified any token yet. */
class NewVerifier extends NoTokens {
  override readonly isOn = true;
  readonly verified: string[] = [];
  override verify(token: string): Promise<TokenOutcome> {
    this.verified.push(token);
    const role = token === OPERATOR ? 'operator' : null;
    return Promise.resolve({ kind: 'user', userId: 'kim', role, expiresAt: Infinity });
  }
  override isKnownAdmin(token: string): boolean {
    return token === OPERATOR && this.verified.includes(token);
  }
}

let underWay: number;
let release: () => void;
let released: Promise<void>;

@Controller()
class ProbeController {
  @Get('/reads')
  async read(): Promise<unknown> {
    underWay += 1;
    await released;
    return { read: true };
  }

  @Get('/reads-of-operators')
  readToo(): unknown {
    return { read: true };
  }

  @Get('/api/admin/probe')
  look(): unknown {
    return { read: true };
  }

  @Post('/api/admin/probe')
  @HttpCode(200)
  act(): unknown {
    return { done: true };
  }
}

@Module({
  imports: [ConfigModule.for(parseEnv({ READ_CONCURRENCY: '2' }))],
  controllers: [ProbeController],
  providers: [
    AdminAccess,
    NewVerifier,
    { provide: TokenVerifier, useExisting: NewVerifier },
    { provide: Clock, useValue: systemClock },
    { provide: Authenticator, useValue: {} },
    { provide: Sessions, useValue: {} },
  ],
})
class ProbeModule {}

describe('behind a crowd of readers', () => {
  let app: NestFastifyApplication;
  let verifier: NewVerifier;
  let read: Promise<unknown>;
  const send = async (method: 'GET' | 'POST', url: string, token?: string): Promise<number> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await app.inject({ method, url, headers })).statusCode;
  };

  beforeEach(async () => {
    underWay = 0;
    released = new Promise((resolve) => (release = resolve));
    const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
      bodyParser: false,
      logger: false,
    });
    configureHttp(app);
    installReadAdmission(app);
    await app.init();
    verifier = app.get(NewVerifier);
    // It takes the one place of the public.
    read = send('GET', '/reads');
    await until('the read has begun', () => underWay === 1);
  });
  afterEach(async () => {
    release();
    await read;
    await app.close();
  });

  it.each(['GET', 'POST'] as const)('an operator does not stand, also with a new token: %s', async (method) => {
    // A call that stands is answered 503 after 5 s.
    expect(await send(method, '/api/admin/probe', OPERATOR)).toBe(200);
    expect(await send('GET', '/reads-of-operators', OPERATOR)).toBe(200);
    expect(verifier.verified).toEqual([OPERATOR]);
  });

  it('a user stands with any token, and in a call of the drop no token is verified before its turn', async () => {
    const answers: string[] = [];
    const stand = async (name: string, ...call: Parameters<typeof send>) => {
      answers.push(`${name} ${await send(...call)}`);
    };
    const standing = [
      stand('user', 'POST', '/api/admin/probe', USER),
      stand('operator', 'GET', '/reads-of-operators', OPERATOR),
    ];
    await until('the token is verified', () => verifier.verified.length === 1);
    await stand('known', 'POST', '/api/admin/probe', OPERATOR);
    expect(answers).toEqual(['known 200']);
    expect(verifier.verified).toEqual([USER, OPERATOR]);
    release();
    await Promise.all(standing);
    expect(answers.slice(1).sort()).toEqual(['operator 200', 'user 200']);
  });
});
