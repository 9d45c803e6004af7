import { type JWK } from 'jose';
import { z } from 'zod';
import { readPublicKeys, TOKEN_ALGORITHMS, usableKeys } from '../identity/tokens/public-keys.js';
import { readTextFile } from './text-file.js';

/** How callers' tokens are judged (IDENTITY=jwt). */
export interface JwtConfig {
  readonly issuer: string;
  /** A token has to name one of them. */
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys:
    { readonly kind: 'url'; readonly url: string } | { readonly kind: 'file'; readonly keys: readonly JWK[] };
  /** The claim that is the user's id, or a path to it. */
  readonly userClaim: string;
  /** The claim that names a role, or a path to it; undefined: a token gives no role. */
  readonly roleClaim: string | undefined;
}

type Source = Readonly<Record<string, string | undefined>>;

const itemsOf = (text: string): string[] => text.split(',').map((item) => item.trim());

const claim = z.string().regex(/^[\x21-\x7e]{1,200}$/, {
  error: 'the name of a claim, or a path such as realm_access.roles: 1 to 200 printable characters without spaces',
});

const isAlgorithm = (text: string): boolean => TOKEN_ALGORITHMS.some((algorithm) => algorithm === text);

/** A shared secret verifies and signs, so each process that verifies could make tokens; and `none` proves nothing. */
const isForbidden = (text: string): boolean => /^(?:none|HS\d*)$/i.test(text);

/** The variables of IDENTITY=jwt. */
export const jwtVariables = {
  JWT_ISSUER: z
    .string()
    .regex(/^[\x21-\x7e]{1,512}$/, { error: 'the exact text of the claim iss, without spaces' })
    .optional(),
  JWT_AUDIENCE: z
    .string()
    .refine((text) => itemsOf(text).every((item) => /^[\x21-\x7e]{1,256}$/.test(item)), {
      error: 'the text that the claim aud must hold, or several separated by commas',
    })
    .transform(itemsOf)
    .optional(),
  JWT_JWKS_URL: z
    .string()
    .refine(isKeySetUrl, { error: 'an https:// or http:// URL without user, password and fragment' })
    .optional(),
  JWT_PUBLIC_KEY_FILE: z.string().optional(),
  JWT_ALGORITHMS: z
    .string()
    .superRefine((text, context) => {
      const items = itemsOf(text);
      const forbidden = items.find(isForbidden);
      const message =
        forbidden === undefined
          ? `a list out of ${TOKEN_ALGORITHMS.join(', ')}`
          : `asymmetric algorithms only, so never ${forbidden}: anybody who can verify could make tokens`;
      if (!items.every(isAlgorithm)) context.addIssue({ code: 'custom', message });
    })
    .transform((text) => [...new Set(itemsOf(text))])
    .default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  JWT_USER_CLAIM: claim.default('sub'),
  JWT_ROLE_CLAIM: claim.optional(),
};

const schema = z.object(jwtVariables);

/** Variables without a default. One that is set shows that tokens are meant. */
const TELLING = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL', 'JWT_PUBLIC_KEY_FILE', 'JWT_ROLE_CLAIM'];

/**
 * Reads the variables of IDENTITY=jwt together, and the file with the keys.
 *
 * @param values the variables.
 * @param refuse gets the variable and the expected value.
 * @returns undefined without IDENTITY=jwt, and after a mistake.
 */
export function readJwtConfig(
  values: Source,
  refuse: (name: string, expectation: string) => void,
): JwtConfig | undefined {
  const telling = TELLING.filter((name) => values[name] !== undefined);
  if (values['IDENTITY'] !== 'jwt') {
    if (telling.length > 0) refuse('IDENTITY', `jwt, because of ${telling.join(', ')}`);
    return undefined;
  }
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE']) {
    if (values[name] === undefined) refuse(name, 'a value, because IDENTITY is jwt');
  }
  const { JWT_JWKS_URL: url, JWT_PUBLIC_KEY_FILE: file } = values;
  if (url === undefined && file === undefined) {
    refuse('JWT_JWKS_URL', 'the URL of the key set, or JWT_PUBLIC_KEY_FILE, because IDENTITY is jwt');
  }
  if (url !== undefined && file !== undefined) refuse('JWT_PUBLIC_KEY_FILE', 'no JWT_JWKS_URL beside it; both are set');

  const { data } = schema.safeParse(values);
  if (data?.JWT_ISSUER === undefined || data.JWT_AUDIENCE === undefined) return undefined;
  const keys =
    file === undefined ? ({ kind: 'url', url: url ?? '' } as const) : keysInFile(file, data.JWT_ALGORITHMS, refuse);
  if (keys === undefined) return undefined;
  return {
    issuer: data.JWT_ISSUER,
    audiences: data.JWT_AUDIENCE,
    algorithms: data.JWT_ALGORITHMS,
    keys,
    userClaim: data.JWT_USER_CLAIM,
    roleClaim: data.JWT_ROLE_CLAIM,
  };
}

function keysInFile(
  path: string,
  algorithms: readonly string[],
  refuse: (name: string, expectation: string) => void,
): JwtConfig['keys'] | undefined {
  const file = readTextFile(path);
  const found = 'text' in file ? readPublicKeys(file.text) : `a file with public keys; ${file.why}`;
  const keys = typeof found === 'string' ? [] : usableKeys(found, algorithms);
  if (keys.length > 0) return { kind: 'file', keys };
  const expected =
    typeof found === 'string' ? found : `a public key for ${algorithms.join(', ')} (RSA: 2048 bits or more)`;
  refuse('JWT_PUBLIC_KEY_FILE', expected);
  return undefined;
}

function isKeySetUrl(text: string): boolean {
  if (/\s/.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '' && !text.includes('#');
}
