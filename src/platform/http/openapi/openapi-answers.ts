import { type OpenAPIObject } from '@nestjs/swagger';
import { SESSION_SCHEME } from '../../identity/admin.guard.js';
import { type ProblemCode, PROBLEMS } from '../problem/problem-catalogue.js';
import { type ProblemKind } from '../problem/problem-kind.js';
import { PROBLEM_MEDIA_TYPE, problemBody } from '../problem/problem.js';
import { header, type HeaderName, type HeaderObject, HEADERS_OF_EVERY_ANSWER } from './openapi-headers.js';

type Components = NonNullable<OpenAPIObject['components']>;
type PathItem = OpenAPIObject['paths'][string];
export type Operation = NonNullable<PathItem['get']>;
type ResponseObject = Exclude<Operation['responses'][string], { $ref: string } | undefined>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
type Method = (typeof METHODS)[number];

/** A decorator puts the codes of its operation here for {@link completeAnswers}. */
export const REFUSALS_EXTENSION = 'x-refusals';

/**
 * Marks an operation that never waits for others and so never answers `busy`. {@link completeAnswers} removes the mark.
 */
export const NEVER_BUSY_EXTENSION = 'x-never-busy';

/** Every request can get these, whatever it asks for. */
const OF_EVERY_REQUEST: readonly ProblemCode[] = [
  'bad-request',
  'request-timeout',
  // A Content-Encoding causes it even if no body is read.
  'unsupported-media-type',
  'expectation-failed',
  'headers-too-large',
  'internal-error',
  'not-implemented',
  'http-version-not-supported',
  'too-many-connections',
];
/** Methods with a body can get these, also if the call takes no body. */
const OF_A_BODY: readonly ProblemCode[] = ['malformed-json', 'validation-failed', 'payload-too-large'];

/** Calls that read this header can get these. */
const OF_A_HEADER: Readonly<Record<string, readonly ProblemCode[]>> = {
  'If-Match': ['invalid-if-match', 'precondition-failed', 'precondition-required'],
  'Idempotency-Key': ['invalid-idempotency-key'],
};

/** Calls that take a session can get these. */
const OF_A_SESSION: readonly ProblemCode[] = ['session-expired', 'not-same-origin'];

/** Requests without a route get these, so no operation has them. */
export const OF_NO_OPERATION: readonly ProblemCode[] = ['not-found', 'method-not-allowed'];

/** Headers that belong to one refusal. Where all answers with a code carry Retry-After, the table of problems has it. */
const HEADERS_OF: Readonly<Partial<Record<ProblemCode, Readonly<Partial<Record<HeaderName, string>>>>>> = {
  unauthorized: { 'WWW-Authenticate': 'The challenge of RFC 6750.' },
  'session-expired': { 'WWW-Authenticate': 'The challenge of RFC 6750.' },
  'gate-not-told': { ETag: '`gate-not-told`: the version that is stored.' },
  'already-claimed': { Location: '`already-claimed`: the claim that stands.' },
  'too-many-requests': {
    RateLimit: '`too-many-requests` for a claim: the limit that it is over, and for how many seconds.',
    'RateLimit-Policy': '`too-many-requests` for a claim: that limit, `q` claims in `w` seconds.',
  },
  'entry-required': { Link: '`entry-required`: where an entry token is given.' },
  'sold-out': { 'Retry-After': '`sold-out` that is not `final`: seconds to wait before another try.' },
};

/** Headers that a refusal carries in some calls and not in others. */
const OF_SOME_CALLS: ReadonlySet<HeaderName> = new Set(['RateLimit', 'RateLimit-Policy']);

/**
 * Gives each operation every status that it can answer with, and each answer every header. An operation names only its
 * own codes; this function adds the codes that all share. The codes with the same status become examples of one answer.
 */
export function completeAnswers(document: OpenAPIObject): void {
  const responses: NonNullable<Components['responses']> = {};
  for (const [method, operation] of operationsOf(document)) {
    for (const answer of Object.values(operation.responses) as ResponseObject[]) {
      answer.headers = { ...commonHeaders(), ...answer.headers };
    }

    const codes = [...new Set([...ownCodes(operation), ...commonCodes(method, operation)])];
    for (const status of new Set(codes.map((code) => PROBLEMS[code].status))) {
      const same = codes.filter((code) => PROBLEMS[code].status === status);
      const success = operation.responses[status] as ResponseObject | undefined;
      const [only] = same;
      if (success !== undefined) {
        operation.responses[status] = combine(success, refusal(same));
      } else if (same.length === 1 && only !== undefined) {
        const name = pascalCase(only);
        responses[name] = refusal(same);
        operation.responses[status] = { $ref: `#/components/responses/${name}` };
      } else {
        operation.responses[status] = refusal(same);
      }
    }
  }
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA },
    responses,
    examples: Object.fromEntries(Object.entries(PROBLEMS).map(([code]) => [code, example(code as ProblemCode)])),
  };
}

export function* operationsOf(document: OpenAPIObject): Generator<[Method, Operation]> {
  for (const item of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) yield [method, operation];
    }
  }
}

function ownCodes(operation: Operation): readonly ProblemCode[] {
  return (takeOut(operation, REFUSALS_EXTENSION) ?? []) as readonly ProblemCode[];
}

/** Reads an extension and removes it: it is for the making of the document, not for its readers. */
export function takeOut(operation: Operation, extension: string): unknown {
  const extended = operation as Operation & Record<string, unknown>;
  const value = extended[extension];
  delete extended[extension];
  return value;
}

function commonCodes(method: Method, operation: Operation): readonly ProblemCode[] {
  const parameters = (operation.parameters ?? []) as readonly { readonly in: string; readonly name: string }[];
  return [
    ...parameters.flatMap(({ in: part, name }) => (part === 'header' ? (OF_A_HEADER[name] ?? []) : [])),
    ...(method === 'get' ? [] : OF_A_BODY),
    ...(parameters.some(({ in: part }) => part === 'path' || part === 'query')
      ? (['validation-failed'] satisfies ProblemCode[])
      : []),
    ...accessCodes(operation),
    ...(takeOut(operation, NEVER_BUSY_EXTENSION) === true ? [] : (['busy'] satisfies ProblemCode[])),
    ...OF_EVERY_REQUEST,
  ];
}

/** What a call that reads a credential can answer. */
function accessCodes({ security }: Operation): readonly ProblemCode[] {
  if (security === undefined) return [];
  const isOptional = security.some((scheme) => Object.keys(scheme).length === 0);
  const codes: ProblemCode[] = ['unauthorized', 'too-many-requests', 'database-unavailable'];
  if (isOptional) return codes;
  const byCookie = security.some((scheme) => SESSION_SCHEME in scheme);
  return [...codes, 'role-not-allowed', ...(byCookie ? OF_A_SESSION : [])];
}

function refusal(codes: readonly ProblemCode[]): ResponseObject {
  const headers: Record<string, HeaderObject> = commonHeaders();
  const add = (name: HeaderName, senders: readonly ProblemCode[], description?: string): void => {
    if (senders.length > 0) {
      const isAlways = senders.length === codes.length && !OF_SOME_CALLS.has(name);
      headers[name] = header(name, isAlways ? 'always' : 'sometimes', description);
    }
  };
  for (const name of ['Content-Language', 'Vary'] as const) add(name, codes);
  const waits = (code: ProblemCode): boolean => (PROBLEMS[code] as ProblemKind).retryAfter !== undefined;
  add('Retry-After', codes.filter(waits));
  const named = new Set(codes.flatMap((code) => Object.keys(HEADERS_OF[code] ?? {}) as HeaderName[]));
  for (const name of named) {
    const senders = codes.filter((code) => HEADERS_OF[code]?.[name] !== undefined);
    add(name, senders, HEADERS_OF[senders[0] as ProblemCode]?.[name]);
  }
  return {
    description: codes.map((code) => `\`${code}\` ${PROBLEMS[code].detail.en}`).join('\n\n'),
    headers,
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

function commonHeaders(): Record<string, HeaderObject> {
  return Object.fromEntries(HEADERS_OF_EVERY_ANSWER.map((name) => [name, header(name, 'always')]));
}

/** Combines a success and a refusal that have the same status. Only the headers of both are always there. */
function combine(answer: ResponseObject, refused: ResponseObject): ResponseObject {
  const headers = { ...answer.headers, ...refused.headers } as Record<string, HeaderObject>;
  for (const name of Object.keys(headers)) {
    if (answer.headers?.[name] === undefined || refused.headers?.[name] === undefined) {
      headers[name] = { ...headers[name], required: false };
    }
  }
  return {
    description: `${answer.description}\n\n${refused.description}`,
    headers,
    content: { ...answer.content, ...refused.content },
  };
}

function example(code: ProblemCode): { summary: string; value: unknown } {
  return { summary: PROBLEMS[code].detail.en, value: JSON.parse(problemBody(code, 'ko', undefined, 'Zk3q-1')) };
}

function pascalCase(code: string): string {
  return code.replace(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}

type SchemaObject = NonNullable<Components['schemas']>[string];

const text = (description: string): SchemaObject => ({ type: 'string', description });

const PROBLEM_SCHEMA: SchemaObject = {
  type: 'object',
  description: 'A refusal after RFC 9457. Members beyond these depend on the code.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { ...text('Identifies the kind of problem.'), example: 'urn:coupon:problem:sold-out' },
    title: text('For people, in the language of the answer.'),
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: text('For people, in the language of the answer.'),
    instance: text('The path that was asked for.'),
    code: { type: 'string', enum: Object.keys(PROBLEMS), description: 'For programs; it never changes.' },
    requestId: text('Quote it when asking for help.'),
    errors: {
      type: 'array',
      description: 'What is wrong with the input.',
      items: {
        type: 'object',
        required: ['in', 'pointer', 'detail'],
        properties: {
          in: { type: 'string', enum: ['body', 'query', 'path', 'header'], description: 'The part of the request.' },
          pointer: text('JSON pointer (RFC 6901) within that part; empty for all of it.'),
          detail: text('For people, in the language of the answer.'),
        },
      },
    },
    claim: {
      type: 'object',
      description: 'already-claimed: the claim that stands. It says nothing about durability.',
      properties: {
        claimId: text('Where the caller is identified.'),
        campaignId: { type: 'string' },
        sequence: { type: 'integer' },
        claimedAt: { type: 'string', format: 'date-time' },
      },
    },
    claimId: text('claim-unconfirmed: the claim that may still be issued.'),
    stored: { type: 'boolean', description: 'gate-not-told: whether the change is in the database.' },
    version: { type: 'integer', description: 'gate-not-told: the version that is stored, also in ETag.' },
    gate: {
      type: 'string',
      enum: ['refused', 'unknown', 'rebuilding'],
      description:
        'gate-not-told: it has not taken the change; it did not answer and may have taken it; or it is closed and opens with what is stored.',
    },
    position: {
      type: 'object',
      description: 'malformed-json: where the mistake is, from 1.',
      properties: { line: { type: 'integer', minimum: 1 }, column: { type: 'integer', minimum: 1 } },
    },
    needed: { type: 'integer', format: 'int64', description: 'not-enough-space: bytes.' },
    free: { type: 'integer', format: 'int64', description: 'not-enough-space: bytes.' },
    startsAt: { type: 'string', format: 'date-time', description: 'campaign-not-started: when it starts.' },
    entry: text('entry-required: where an entry token is given.'),
    reason: {
      type: 'string',
      enum: ['missing', 'invalid', 'not-yet-valid', 'expired'],
      description: 'entry-required: what is wrong with the token.',
    },
    challenge: text('challenge-failed: where the challenge is.'),
    final: {
      type: 'boolean',
      description:
        'sold-out: true when only an operator can make a slot free. false while claims are on their way, one of which may give its slot back.',
    },
  },
};
