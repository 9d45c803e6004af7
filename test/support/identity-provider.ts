import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type JWK } from 'jose';

const CHILD = fileURLToPath(new URL('../children/identity-provider.mjs', import.meta.url));

/** What a provider's access tokens are for. */
export const AUDIENCE = 'urn:coupons';

interface ProviderState {
  readonly keys?: readonly JWK[];
  readonly jwks?: string | null;
  readonly slow?: boolean;
  readonly clockOffsetMs?: number;
}

/** A private key with a name, to sign tokens with. */
export function signingKey(kid: string): JWK {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' };
}

/** The same key as everybody may see it. */
export function publicKeyOf({ kty, crv, x, y, kid, alg, use }: JWK): JWK {
  return { kty, crv, x, y, kid, alg, use } as JWK;
}

/** A real OpenID provider in a child process. `test/children/identity-provider.mjs` says what it can be told. */
export class IdentityProvider {
  private child: ChildProcess | null = null;
  private port = 0;
  private state: ProviderState;

  /** @param clients the users: a client's id becomes the subject of its tokens. With the roles of each. */
  constructor(
    private readonly clients: Readonly<Record<string, readonly string[] | undefined>>,
    key: JWK = signingKey('first'),
  ) {
    this.state = { keys: [key] };
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get keySetUrl(): string {
    return `${this.issuer}/jwks`;
  }

  /** The variables of a service that takes this provider's tokens. */
  get env(): Record<string, string> {
    return {
      IDENTITY: 'jwt',
      JWT_ISSUER: this.issuer,
      JWT_AUDIENCE: AUDIENCE,
      JWT_JWKS_URL: this.keySetUrl,
      JWT_ROLE_CLAIM: 'realm_access.roles',
    };
  }

  /** Starts the provider, at the address that it had before. Does nothing if it runs. */
  async start(): Promise<void> {
    if (this.child !== null) return;
    const clients = Object.entries(this.clients).map(([id, roles]) => ({ id, secret: secretOf(id), roles }));
    const options = JSON.stringify({ port: this.port, audience: AUDIENCE, clients });
    this.child = fork(CHILD, [options], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: ['--no-warnings'] });
    const [{ port }] = (await once(this.child, 'message')) as [{ port: number }];
    this.port = port;
    await this.tell({});
  }

  /** Changes how the provider behaves. @returns how often its keys were asked for. */
  async tell(state: ProviderState): Promise<number> {
    this.state = { ...this.state, ...state };
    if (this.child === null) throw new Error('the provider does not run');
    this.child.send(this.state);
    const [{ asked }] = (await once(this.child, 'message')) as [{ asked: number }];
    return asked;
  }

  /** The provider is gone, and its port refuses. */
  async stop(): Promise<void> {
    if (this.child === null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    this.child = null;
    await gone;
  }

  /** An access token for this client. */
  async token(id: string): Promise<string> {
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${secretOf(id)}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const body = (await response.json()) as { access_token?: string };
    if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`);
    return body.access_token;
  }
}

const secretOf = (id: string): string => `a-secret-of-${Buffer.from(id).toString('hex')}`;
