import { type FastifyReply } from 'fastify';
import { languageOf, type Language, type LocalizedText } from './accept-language.js';
import { PROBLEMS, type ProblemCode, isProblemCode } from './problem-catalogue.js';
import { type ProblemKind } from './problem-kind.js';

/** One invalid value of a request. */
export interface InputError {
  /** The part of the request that `pointer` points into. */
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** JSON pointer (RFC 6901) within that part; empty for all of it. */
  readonly pointer: string;
  readonly detail: LocalizedText;
}

/**
 * Members added to the body (RFC 9457 §3.2). They are plain JSON, except that `errors` and `detail` are written in the
 * answer's language.
 */
export interface ProblemExtensions {
  readonly errors?: readonly InputError[];
  /** Replaces the detail in the table of problems. */
  readonly detail?: LocalizedText;
  readonly [member: string]: unknown;
}

/** Headers added to the answer, in lower case. */
export type ProblemHeaders = Readonly<Record<string, string>>;

/**
 * An error that names the problem it should be answered with, although its code knows nothing of HTTP. A port's error
 * class declares this property, and the filter uses it.
 */
export interface CarriesProblemCode {
  readonly problemCode: ProblemCode;
}

/** True if a thrown value names its problem. */
export function carriesProblemCode(thrown: unknown): thrown is CarriesProblemCode {
  return typeof thrown === 'object' && thrown !== null && 'problemCode' in thrown && isProblemCode(thrown.problemCode);
}

/**
 * Code that refuses a request throws this. It is an Error, so promises, logs and tests treat it as one. It has no
 * stack: taking one costs more than answering the request, and the code already says where the refusal comes from.
 * Refusals that happen thousands of times a second are not thrown at all; see {@link sendProblem}.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly extensions: ProblemExtensions | undefined;
  readonly headers: ProblemHeaders | undefined;

  constructor(
    readonly code: ProblemCode,
    options: { readonly extensions?: ProblemExtensions; readonly headers?: ProblemHeaders } = {},
  ) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(code);
    Error.stackTraceLimit = limit;
    this.extensions = options.extensions;
    this.headers = options.headers;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

/** The media type of every refusal (RFC 9457); it has no charset parameter. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/**
 * The constant beginning of each body, made once for each code and language. Only instance, id and extensions differ
 * between requests.
 */
const beginnings: Readonly<Record<Language, Readonly<Record<ProblemCode, string>>>> = {
  ko: beginningsIn('ko'),
  en: beginningsIn('en'),
};

function beginningsIn(language: Language): Record<ProblemCode, string> {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  const entries = codes.map((code) => [code, beginningOf(code, language, PROBLEMS[code].detail)]);
  return Object.fromEntries(entries) as Record<ProblemCode, string>;
}

function beginningOf(code: ProblemCode, language: Language, detail: LocalizedText): string {
  const { title, status } = PROBLEMS[code];
  const type = `urn:coupon:problem:${code}`;
  return JSON.stringify({ type, title: title[language], status, detail: detail[language], code }).slice(0, -1);
}

/**
 * A problem's body as JSON text.
 *
 * @param instance the request's path; undefined if the request could not be read that far. Characters that no URI can
 * hold are escaped.
 * @param requestId made by request-id.ts, so it needs no escaping in JSON.
 */
export function problemBody(
  code: ProblemCode,
  language: Language,
  instance: string | undefined,
  requestId: string,
  extensions?: ProblemExtensions,
): string {
  const detail = extensions?.detail;
  let body: string = detail === undefined ? beginnings[language][code] : beginningOf(code, language, detail);
  if (instance !== undefined && instance !== '') {
    body += `,"instance":${JSON.stringify(instance.replace(OUTSIDE_URI, encodeURIComponent))}`;
  }

  body += `,"requestId":"${requestId}"`;
  if (extensions !== undefined) {
    for (const member of Object.keys(extensions)) {
      if (member === 'detail') continue;
      const value = member === 'errors' ? inLanguage(extensions.errors, language) : extensions[member];
      if (value !== undefined) body += `,${JSON.stringify(member)}:${JSON.stringify(value)}`;
    }
  }
  return `${body}}`;
}

/** Characters that a URI reference cannot hold (RFC 3986 §2). A page or a log could take them for its own syntax. */
const OUTSIDE_URI = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/g;

function inLanguage(errors: readonly InputError[] | undefined, language: Language): unknown {
  return errors?.map((error) => ({ in: error.in, pointer: error.pointer, detail: error.detail[language] }));
}

/** Headers that every answer with this code carries in this language. */
export function problemHeaders(code: ProblemCode, language: Language): ProblemHeaders {
  const { retryAfter }: ProblemKind = PROBLEMS[code];
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-language': language,
    vary: 'accept-language',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  };
}

const asIs = (payload: unknown): string => payload as string;

/**
 * Answers with a problem without throwing. For the hot path: a handler that gets the reply through `@Res()` calls this
 * and returns.
 */
export function sendProblem(
  reply: FastifyReply,
  code: ProblemCode,
  extensions?: ProblemExtensions,
  headers?: ProblemHeaders,
): void {
  const { request } = reply;
  const language = languageOf(request.headers['accept-language']);
  const { status, retryAfter }: ProblemKind = PROBLEMS[code];
  reply.code(status);
  reply.header('content-type', PROBLEM_MEDIA_TYPE);
  reply.header('content-language', language);
  reply.header('vary', 'accept-language');
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));

  if (headers !== undefined) reply.headers(headers);

  // With this serializer Fastify sends the text unchanged. Otherwise it adds a charset, which this media type does not
  // have.
  reply.serializer(asIs).send(problemBody(code, language, pathOf(request.url), request.id, extensions));
}

/**
 * The path of a request target, for a body or a log. The query is left out, and so is everything before the path
 * (`http://user:password@host/path`): both may hold secrets. The secret of an API key in the path is left out, too. Empty for a
 * target without a path.
 */
export function pathOf(target: string): string {
  const path = PATH.exec(target)?.groups?.path ?? '';
  // Almost no path has one, and each refused claim has a path.
  return path.includes('_') ? path.replaceAll(KEY_IN_PATH, '$1***') : path;
}

/** An API key, or as much of one as was copied. */
const KEY_IN_PATH = /(cpn_[a-z]+_[0-9a-z]+_)[^/]+/gi;

const PATH = /^(?:[^/?#]*:\/\/[^/?#]*)?(?<path>\/[^?#]*|\*)/;
