import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { ADMIN_ROLES, KEY_ROLES } from '../../src/platform/identity/key-role.js';
import { TOPOLOGY } from '../support/backend.js';
import { type Answer, Client } from '../support/client.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

/**
 * Who may make a call: everyone; who claims; who reads what is known of a user; an operator who shows a credential; or
 * operators from this role on.
 */
type Access = 'everyone' | 'claims' | 'reads' | 'signs in' | 'viewer' | 'operator' | 'admin';

/** Each call of the API. A call that has no row here fails the test, and so does a row without a call. */
const ACCESS: Readonly<Record<string, Access>> = {
  applyForCoupon: 'claims',
  poseChallenge: 'claims',
  enterCampaign: 'claims',
  findClaim: 'reads',
  listCouponsOfUser: 'reads',
  listCampaigns: 'everyone',
  findCampaign: 'everyone',
  watchCampaign: 'everyone',
  describeService: 'everyone',
  live: 'everyone',
  ready: 'everyone',
  metrics: 'everyone',
  auditCampaign: 'viewer',
  listAdminCampaigns: 'viewer',
  findAdminCampaign: 'viewer',
  watchCampaignAsOperator: 'viewer',
  previewCampaign: 'viewer',
  listCouponsOfCampaign: 'viewer',
  exportCouponsAsCsv: 'viewer',
  exportCouponsAsNdjson: 'viewer',
  searchUsers: 'viewer',
  listFailedEvents: 'viewer',
  showFailedEvent: 'viewer',
  previewFailedEvents: 'viewer',
  requeueFailedEvents: 'operator',
  discardFailedEvents: 'operator',
  requeueFailedEvent: 'operator',
  discardFailedEvent: 'operator',
  createCampaign: 'operator',
  changeCampaign: 'operator',
  pauseCampaign: 'operator',
  resumeCampaign: 'operator',
  closeCampaign: 'operator',
  publishCampaign: 'operator',
  deleteDraft: 'operator',
  listAuditLog: 'operator',
  showSystem: 'viewer',
  listApprovals: 'operator',
  findApproval: 'operator',
  approveAct: 'operator',
  rejectAct: 'operator',
  signIn: 'signs in',
  showSession: 'viewer',
  signOut: 'viewer',
  createKey: 'admin',
  listKeys: 'admin',
  revokeKey: 'admin',
  downloadBackup: 'admin',
};

const IDENTITIES = ['open', 'key', 'jwt'] as const;
type Identity = (typeof IDENTITIES)[number];

/** The user whom paths name, and the subject of the token of `the user`. */
const USER = 'auth0|alice';
/** What the calls that claim for a user are sent. */
const BODIES = new Map<string, (campaignId: string) => object>([
  ['/api/coupons/apply', (campaignId) => ({ userId: USER, campaignId })],
  ['/api/campaigns/{campaignId}/entry', () => ({ userId: USER })],
]);
const OPERATORS = ['viewer', 'operator', 'admin', 'the admin token'];
/** The admin token is the admin whom no key has made. */
const TOKENS = ['the user', 'another user', 'an operator by token'];
const SESSION = 'the session of an operator';
const CALLERS = ['nobody', ...TOKENS, ...KEY_ROLES, 'the admin token', SESSION];

/** The code of the refusal, in the order in which it is decided; undefined where the caller is let in. */
function refusalOf(access: Access, caller: string, identity: Identity): string | undefined {
  const isUser = TOKENS.includes(caller);
  // The cookie is nothing outside of the admin calls, and no session renews itself.
  if (caller === SESSION && ['claims', 'reads', 'signs in'].includes(access)) {
    return identity === 'open' && access !== 'signs in' ? undefined : 'unauthorized';
  }
  switch (access) {
    case 'everyone':
      return undefined;
    case 'claims':
      if (identity === 'open' || caller === 'issuer') return undefined;
      if (isUser && identity === 'jwt') return caller === 'the user' ? undefined : 'not-your-user';
      return caller === 'nobody' || isUser ? 'unauthorized' : 'role-not-allowed';
    case 'reads':
      if (caller === 'issuer' || OPERATORS.includes(caller)) return undefined;
      if (isUser && identity === 'jwt') return caller === 'another user' ? 'not-your-user' : undefined;
      // A token is a wrong credential where tokens are not read.
      if (isUser) return 'unauthorized';
      if (identity === 'open') return undefined;
      return caller === 'nobody' ? 'unauthorized' : 'role-not-allowed';
    default: {
      const needed = access === 'signs in' ? 'viewer' : access;
      const asRole = caller === 'the admin token' ? 'admin' : caller;
      const isOperator = caller === SESSION || (identity === 'jwt' && caller === 'an operator by token');
      const signedIn = isOperator ? 'operator' : asRole;
      const role = ADMIN_ROLES.find((known) => known === signedIn);
      if (role !== undefined && ADMIN_ROLES.indexOf(role) >= ADMIN_ROLES.indexOf(needed)) return undefined;
      return caller === 'nobody' || (isUser && identity !== 'jwt') ? 'unauthorized' : 'role-not-allowed';
    }
  }
}

/** The codes of the statuses that mean: not this caller. */
const REFUSALS: ReadonlyMap<number, readonly string[]> = new Map([
  [401, ['unauthorized']],
  [403, ['role-not-allowed', 'not-your-user']],
  [429, ['too-many-requests']],
]);

/** Credentials that open nothing, whatever the call needs. */
const WORTHLESS = ['a revoked key', 'a key of another installation', 'a token', 'another scheme'];

interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isBelowAdmin: boolean;
}

describe.each(IDENTITIES)('with IDENTITY=%s every call of the API, for every caller', (identity) => {
  let service: Service;
  let client: Client;
  let calls: Call[];
  let directory: string;
  const credentials = new Map<string, string>();
  let cookie: string;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    directory = mkdtempSync(join(tmpdir(), 'coupon-access-'));
    const file = join(directory, 'issuer.pem');
    writeFileSync(file, await exportSPKI(publicKey));
    const provider = {
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'coupons',
      JWT_PUBLIC_KEY_FILE: file,
      JWT_ROLE_CLAIM: 'coupon_role',
    };
    // The address of each call is its own: ten wrong credentials of one address are followed by 429.
    const settings = { TRUST_PROXY: '1', IDENTITY: identity, ...(identity === 'jwt' ? provider : {}) };
    service = await startService(settings);
    for (const [caller, subject, claims] of [
      ['the user', USER, {}],
      ['another user', 'auth0|bob', {}],
      ['an operator by token', 'auth0|kim', { coupon_role: 'operator' }],
    ] as const) {
      const token = new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).setSubject(subject);
      token.setIssuer(provider.JWT_ISSUER).setAudience(provider.JWT_AUDIENCE).setExpirationTime('1h');
      credentials.set(caller, `Bearer ${await token.sign(privateKey)}`);
    }
    client = new Client(service.url);
    const { paths } = (await client.get('/docs-json')).body as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        path,
        isBelowAdmin: path.startsWith('/api/admin/'),
      })),
    );
    for (const role of KEY_ROLES) credentials.set(role, `Bearer ${await makeKey(role)}`);
    const admin = await makeKey('admin');
    const id = admin.split('_')[2] ?? '';
    expect((await client.admin('DELETE', `/api/admin/keys/${id}`)).status).toBe(200);
    const begun = await client.send('POST', '/api/admin/session', {
      headers: { authorization: credentials.get('operator') ?? '' },
    });
    cookie = begun.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    credentials.set('the admin token', `Bearer ${ADMIN_TOKEN}`);
    credentials.set('a revoked key', `Bearer ${admin}`);
    credentials.set('a key of another installation', `Bearer cpn_admin_01ARZ3NDEKTSV4RRFFQ69G5FAV_${'A'.repeat(43)}`);
    credentials.set('a token', `Bearer eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"admin"}').toString('base64url')}.`);
    credentials.set('another scheme', `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString('base64')}`);
  });
  afterAll(async () => {
    await service.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function makeKey(role: string): Promise<string> {
    const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: `a ${role}`, role } });
    return body.key as string;
  }

  let addresses = 0;
  /** @param id of a campaign, a user and so on in the path. Nothing that a call names exists, unless it is said so. */
  const make = ({ method, path }: Call, caller: string, id = '01ARZ3NDEKTSV4RRFFQ69G5FAV'): Promise<Answer> => {
    const authorization = credentials.get(caller);
    addresses += 1;
    const user = encodeURIComponent(USER);
    const target = path.replace('{userId}', user).replaceAll(/\{\w+\}/g, id);
    return client.send(method, path.endsWith('/challenge') ? `${target}?userId=${user}` : target, {
      ...(method === 'GET' ? {} : { body: BODIES.get(path)?.(id) ?? {} }),
      headers: {
        'x-forwarded-for': `10.0.${addresses >> 8}.${addresses & 255}`,
        ...(authorization === undefined ? {} : { authorization }),
        ...(caller === SESSION ? { cookie, origin: service.url, 'x-requested-with': 'console' } : {}),
      },
    });
  };

  it('has its row', () => {
    const rows = Object.keys(ACCESS).filter((id) => TOPOLOGY === 'embedded' || id !== 'downloadBackup');
    expect(calls.map(({ id }) => id).sort()).toEqual(rows.sort());
  });

  it('lets in whom the row names, and no other one', async () => {
    for (const call of calls) {
      const access = ACCESS[call.id] ?? 'admin';
      for (const caller of CALLERS) {
        const { status, body, headers } = await make(call, caller);
        const refusal = REFUSALS.get(status) === undefined ? undefined : (body.code as string);
        const row = [call.id, caller];
        expect([...row, refusal]).toEqual([...row, refusalOf(access, caller, identity)]);
        if (refusal !== undefined) {
          expect([...row, REFUSALS.get(status)]).toEqual([...row, expect.arrayContaining([refusal])]);
        }
        if (status === 401) expect(headers.get('www-authenticate')).toMatch(/^Bearer realm=/);
        if (refusal === 'role-not-allowed') {
          const needed =
            access === 'claims' || access === 'reads' ? 'issuer' : access === 'signs in' ? 'viewer' : access;
          expect([...row, body.neededRole]).toEqual([...row, needed]);
        }
      }
    }
  });

  it('is closed to credentials that were good once, or elsewhere', async () => {
    for (const call of calls.filter(({ isBelowAdmin }) => isBelowAdmin)) {
      for (const caller of WORTHLESS) {
        const { status, body, headers } = await make(call, caller);
        expect([call.id, caller, status, body.code]).toEqual([call.id, caller, 401, 'unauthorized']);
        expect(headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
      }
    }
  });

  it('says 401 and 403 in the same words, whether what it names exists or not', async () => {
    const campaign = await client.createCampaign(1);
    const named = calls.filter(({ path, isBelowAdmin }) => isBelowAdmin && path.includes('{campaignId}'));
    expect(named.length).toBeGreaterThan(4);
    for (const call of named) {
      for (const caller of ['nobody', 'a revoked key', 'redeemer']) {
        const [there, missing] = [await make(call, caller, campaign), await make(call, caller)];
        // The two that name the request itself.
        const own = { instance: expect.any(String), requestId: expect.any(String) };
        expect([call.id, caller, missing.body]).toEqual([call.id, caller, { ...there.body, ...own }]);
        expect(there.status).toBe(missing.status);
      }
    }
  });
});
