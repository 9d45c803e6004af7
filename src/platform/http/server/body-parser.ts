import { isAscii, isUtf8 } from 'node:buffer';
import { type IncomingMessage } from 'node:http';
import { type FastifyInstance } from 'fastify';
import { inputProblem } from '../input/input-rules.js';
import { isPlainJson, jsonFault, positionIn, syntaxErrorIn } from '../input/strict-json.js';
import { MAX_FIELDS } from '../message/message-fault.js';
import { PROBLEMS } from '../problem/problem-catalogue.js';
import { Problem } from '../problem/problem.js';

/** The largest body, in bytes, declared or chunked. */
export const BODY_LIMIT = 4096;

/**
 * Replaces Fastify's parsers. They accept forms and plain text, skip a BOM, and turn invalid UTF-8 into U+FFFD, so two
 * different requests could become the same user. This parser accepts one media type and reads it in one way. It refuses
 * a body that another program could read differently.
 */
export function installBodyParser(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (request, body: Buffer, done) => {
      try {
        if (!isJsonInUtf8(request.headers['content-type'])) throw new Problem('unsupported-media-type');
        // Fastify's `inject` makes requests without trailers.
        const { rawTrailers = [] } = request.raw as Partial<IncomingMessage>;
        if (rawTrailers.length > 2 * MAX_FIELDS) throw new Problem('headers-too-large');
        done(null, parseJson(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/**
 * True for `application/json` without parameters or with a charset of UTF-8. RFC 8259 has no parameters and no other
 * charset, so anything else could mean that the bytes should be read differently.
 */
export function isJsonInUtf8(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;

  const parameters = contentType?.slice(contentType.indexOf(';') + 1).trim() ?? '';
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return (
    mediaType === 'application/json' &&
    /^(?:|charset\s*=\s*(?:utf-8|"utf-8"))$/i.test(contentType?.includes(';') ? parameters : '')
  );
}

/**
 * @returns undefined for an empty body. It is not malformed: the schema of a call that needs a body refuses it.
 * @throws Problem `malformed-json` with the position of the mistake, or `validation-failed` for a fault of
 * {@link jsonFault}.
 */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;

  const text = decodeUtf8(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(text, syntaxErrorIn(text) ?? text.length);
  }
  const fault = isPlainJson(text) ? undefined : jsonFault(text);
  if (fault === undefined) return value;

  throw inputProblem('body', fault.pointer, fault.rule);
}

/**
 * Does the work of a fatal TextDecoder. For ASCII, which nearly every body is, it costs a fraction. A BOM stays in the
 * text, and JSON.parse refuses it.
 */
function decodeUtf8(body: Buffer): string {
  if (isAscii(body)) return body.toString('latin1');

  const text = body.toString('utf8');
  if (!isUtf8(body)) throw malformed(text, body.subarray(0, validUtf8Bytes(body, text)).toString('utf8').length);

  return text;
}

/** How many bytes at the beginning are valid UTF-8. In `text`, the invalid ones have become U+FFFD. */
function validUtf8Bytes(body: Buffer, text: string): number {
  const rewritten = Buffer.from(text);
  let bytes = body.findIndex((byte, index) => byte !== rewritten[index]);
  if (bytes === -1) bytes = body.length;
  // An incomplete sequence may begin with the same bytes as U+FFFD.
  while (!isUtf8(body.subarray(0, bytes))) bytes--;
  return bytes;
}

/** @param at index of the first character that cannot be there. */
function malformed(text: string, at: number): Problem {
  const position = positionIn(text, at);
  const { ko, en } = PROBLEMS['malformed-json'].detail;
  const detail = {
    ko: `${ko} ${position.line}행 ${position.column}열을 확인해 주세요.`,
    en: `${en} See line ${position.line}, column ${position.column}.`,
  };
  return new Problem('malformed-json', { extensions: { detail, position } });
}
