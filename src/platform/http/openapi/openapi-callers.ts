import { ApiExtension, ApiHeader, type OpenAPIObject } from '@nestjs/swagger';
import { type Identity } from '../../config/config-parts.js';
import { ADMIN_SCHEME } from '../../identity/admin.guard.js';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { operationsOf, REFUSALS_EXTENSION, takeOut } from './openapi-answers.js';

/** What a call of the drop does: it claims for a user, or reads about one. */
type CallerAct = 'claims' | 'reads';

/** The decorator puts the act here for {@link documentCallers}. */
const CALLER_EXTENSION = 'x-caller';
const CLAIM_ID_HEADER = 'X-Claim-Id';

const ISSUER_SCHEME = 'issuer';
const USER_SCHEME = 'user';

/** Documents a call of the drop; who may make it depends on IDENTITY. The handler asks `CallerAccess`. */
export function ApiCaller(act: CallerAct): MethodDecorator {
  return ApiExtension(CALLER_EXTENSION, act);
}

/** Documents the header that proves a claim where callers are not identified. */
export function ApiClaimId(): MethodDecorator {
  return ApiHeader({
    name: CLAIM_ID_HEADER,
    required: false,
    description: 'The `claimId` of the 202. It shows that the claim is the caller’s, and so opens its code.',
    schema: { type: 'string' },
  });
}

/** Who may make a call, in the document: any of these schemes. An empty one stands for a caller without a credential. */
const SCHEMES: Readonly<Record<Identity, Readonly<Record<CallerAct, readonly string[] | null>>>> = {
  open: { claims: null, reads: ['', ADMIN_SCHEME] },
  key: { claims: [ISSUER_SCHEME], reads: [ISSUER_SCHEME, ADMIN_SCHEME] },
  jwt: { claims: [USER_SCHEME, ISSUER_SCHEME], reads: [USER_SCHEME, ISSUER_SCHEME, ADMIN_SCHEME] },
};

/** What a call can answer that takes a token. */
const OF_A_TOKEN: readonly ProblemCode[] = ['user-not-usable', 'identity-unavailable'];

/** Writes into the document who may make which call of the drop, as IDENTITY says. */
export function documentCallers(document: OpenAPIObject, identity: Identity): void {
  for (const [, operation] of operationsOf(document)) {
    const act = takeOut(operation, CALLER_EXTENSION) as CallerAct | undefined;
    const schemes = act === undefined ? null : SCHEMES[identity][act];
    if (schemes === null) {
      // Operators may bring a token of the same issuer.
      if (identity === 'jwt' && operation.security !== undefined) addRefusals(operation, OF_A_TOKEN);
      continue;
    }
    operation.security = schemes.map((scheme) => (scheme === '' ? {} : { [scheme]: [] }));
    if (identity === 'open') continue;
    operation.parameters = operation.parameters?.filter(
      (parameter) => !('name' in parameter && parameter.name === CLAIM_ID_HEADER),
    );
    if (identity === 'jwt') addRefusals(operation, ['not-your-user', ...OF_A_TOKEN]);
  }
  if (identity === 'open') return;
  const { schemas = {}, securitySchemes = {} } = document.components ?? {};
  // Not called a JWT: an API key is none.
  securitySchemes[ISSUER_SCHEME] = { type: 'http', scheme: 'bearer', description: 'An API key of the role issuer.' };
  if (identity === 'jwt') {
    securitySchemes[USER_SCHEME] = {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'The user’s token. Calls are about this user alone.',
    };
    for (const body of [schemas['Application'], schemas['EntryRequest']]) {
      if (body === undefined || !('required' in body)) continue;
      // The token names the user. OpenAPI 3.0 has no empty list here.
      const required = body.required?.filter((name) => name !== 'userId') ?? [];
      if (required.length > 0) body.required = required;
      else delete body.required;
    }
  }
  document.components = { ...document.components, schemas, securitySchemes };
}

function addRefusals(operation: object, codes: readonly ProblemCode[]): void {
  const extended = operation as Record<string, readonly ProblemCode[] | undefined>;
  extended[REFUSALS_EXTENSION] = [...(extended[REFUSALS_EXTENSION] ?? []), ...codes];
}
