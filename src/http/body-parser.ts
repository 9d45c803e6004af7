import { isAscii, isUtf8 } from 'node:buffer';
import { type FastifyInstance } from 'fastify';
import { INPUT_RULES } from './input-rules.js';
import { Problem } from './problem.js';

/** The largest body, in bytes, declared or chunked. */
export const BODY_LIMIT = 4096;

/**
 * Replaces Fastify's parsers, which take forms and plain text, skip a BOM, turn invalid UTF-8 into U+FFFD and would
 * thereby let two different requests become the same user. One media type is left, and one way to read it.
 */
export function installBodyParser(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (request, body: Buffer, done) => {
      try {
        demandUtf8(request.headers['content-type']);
        done(null, parseJson(body));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** RFC 8259 knows UTF-8 only, and no parameter at all: what is not recognised could mean another reading of the bytes. */
function demandUtf8(contentType: string | undefined): void {
  if (contentType === 'application/json') {
    return;
  }
  const parameters = contentType?.slice(contentType.indexOf(';') + 1).trim() ?? '';
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (
    mediaType !== 'application/json' ||
    !/^(?:|charset\s*=\s*(?:utf-8|"utf-8"))$/i.test(contentType?.includes(';') ? parameters : '')
  ) {
    throw new Problem('unsupported-media-type');
  }
}

/**
 * @returns undefined for an empty body, which is not malformed: whoever needs one refuses it through its schema.
 * @throws Problem `malformed-json`, or `validation-failed` for a `__proto__` or `constructor` anywhere.
 */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) {
    return undefined;
  }
  let text: string;
  let value: unknown;
  try {
    text = decodeUtf8(body);
    value = JSON.parse(text);
  } catch {
    throw new Problem('malformed-json');
  }
  // A forbidden key is spelt out or hidden behind an escape; everything else need not be walked.
  if (text.includes('__proto__') || text.includes('constructor') || text.includes('\\u')) {
    refusePoisonedKeys(value, '');
  }
  return value;
}

/**
 * What a fatal TextDecoder does, at a fraction of its cost for the ASCII that nearly every body is. A BOM stays in the
 * text, where JSON.parse refuses it.
 */
function decodeUtf8(body: Buffer): string {
  if (isAscii(body)) {
    return body.toString('latin1');
  }
  if (isUtf8(body)) {
    return body.toString('utf8');
  }
  throw new Problem('malformed-json');
}

/** Depth is bounded by {@link BODY_LIMIT}. */
function refusePoisonedKeys(value: unknown, pointer: string): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__' || key === 'constructor') {
      throw new Problem('validation-failed', {
        extensions: { errors: [{ in: 'body', pointer: `${pointer}/${key}`, detail: INPUT_RULES.forbidden }] },
      });
    }
    refusePoisonedKeys(child, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}
