import { type OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;
type Inlined<T> = Exclude<T, { $ref: string }>;
export type HeaderObject = Inlined<NonNullable<Components['headers']>[string]>;
export type ParameterObject = Inlined<NonNullable<Components['parameters']>[string]>;

/** The headers that answers carry, apart from those of every HTTP server. */
const HEADERS = {
  Allow: { description: 'The methods of this path.', schema: { type: 'string' } },
  'Cache-Control': { description: 'No cache may keep the answer.', schema: { type: 'string', enum: ['no-store'] } },
  'Content-Disposition': { description: 'The name for the file.', schema: { type: 'string' } },
  'Content-Language': { description: 'The language of its texts.', schema: { type: 'string', enum: ['ko', 'en'] } },
  ETag: { description: 'The version, for If-Match.', schema: { type: 'string', pattern: '^"[1-9][0-9]*"$' } },
  'Idempotent-Replayed': {
    description: '`true` where this is the answer to an earlier call with the same Idempotency-Key.',
    schema: { type: 'string', enum: ['true'] },
  },
  Link: { description: 'Where to go on.', schema: { type: 'string' } },
  Location: { description: 'Where it is.', schema: { type: 'string', format: 'uri-reference' } },
  RateLimit: {
    description: 'The limit that the call is over, what is left of it, and for how many seconds.',
    schema: { type: 'string', pattern: '^"(?:user|address)";r=0;t=[1-9][0-9]*$' },
  },
  'RateLimit-Policy': {
    description: 'That limit: `q` calls in `w` seconds.',
    schema: { type: 'string', pattern: '^"(?:user|address)";q=[1-9][0-9]*;w=[1-9][0-9]*$' },
  },
  'Retry-After': { description: 'Seconds to wait before another try.', schema: { type: 'integer', minimum: 1 } },
  'Set-Cookie': {
    description: 'The session of the console, or its end.',
    schema: { type: 'string', pattern: '^coupon-session=' },
  },
  Vary: {
    description: 'What the answer’s language depends on; where pages of some origins may call, also `Origin`.',
    schema: { type: 'string', pattern: '^accept-language(?:, Origin)?$' },
  },
  'WWW-Authenticate': {
    description: 'The challenge of RFC 6750.',
    schema: { type: 'string', pattern: '^Bearer realm="(?:admin|coupons)"' },
  },
  'X-Accel-Buffering': { description: 'nginx may not hold events back.', schema: { type: 'string', enum: ['no'] } },
  'X-Content-Type-Options': {
    description: 'The body is what its type says.',
    schema: { type: 'string', enum: ['nosniff'] },
  },
  'X-Request-Id': {
    description: 'The id of this request; quote it when asking for help.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' },
  },
} as const satisfies Record<string, HeaderObject>;

export type HeaderName = keyof typeof HEADERS;

/** @param sent `always` if every answer with this status carries the header. */
export function header(name: HeaderName, sent: 'always' | 'sometimes', description?: string): HeaderObject {
  const known: HeaderObject = HEADERS[name];
  return { ...known, ...(description === undefined ? {} : { description }), required: sent === 'always' };
}

/** Every answer of every operation carries these; see `setCommonHeaders`. */
export const HEADERS_OF_EVERY_ANSWER: readonly HeaderName[] = [
  'X-Request-Id',
  'Cache-Control',
  'X-Content-Type-Options',
];

/** Every request may carry these. */
export const PARAMETERS_OF_EVERY_REQUEST = {
  AcceptLanguage: {
    name: 'Accept-Language',
    in: 'header',
    required: false,
    description: 'The language of texts: English where `en` has more weight than `ko`, otherwise Korean.',
    schema: { type: 'string' },
    example: 'ko',
  },
  RequestId: {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description:
      'The caller’s id of this request. It comes back where it has 1 to 64 letters, digits, `_`, `.` or `-`; otherwise the service makes one.',
    schema: { type: 'string' },
  },
} as const satisfies Record<string, ParameterObject>;
