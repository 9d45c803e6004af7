import { type SeenClaim } from '../../oracle/told.js';

/** An answer of the service, as bytes in a string of one character each. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
  /** The server closes the connection after it. */
  readonly last: boolean;
  /** How many bytes of the input it takes. */
  readonly length: number;
}

const END_OF_HEAD = '\r\n\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;

/** Reads one answer. @returns null if it is not there as a whole. @throws if this is no answer of HTTP/1.1. */
export function readAnswer(bytes: string): RawAnswer | null {
  const headLength = bytes.indexOf(END_OF_HEAD);
  if (headLength < 0) return null;
  const status = Number(bytes.slice(STATUS_AT, STATUS_AT + 3));
  if (!bytes.startsWith('HTTP/1.') || !(status >= 100)) throw new Error('not an answer of HTTP/1.1');
  const head = bytes.slice(0, headLength);
  const start = headLength + END_OF_HEAD.length;
  if (status < 200) return readAnswerAfter(bytes, start);
  const last = /\r\nconnection: *close/i.test(head);
  const bodyLength = lengthIn(head);
  if (bodyLength !== undefined) {
    if (bytes.length < start + bodyLength) return null;
    return { status, head, body: bytes.slice(start, start + bodyLength), last, length: start + bodyLength };
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error('an answer without a length');
  const chunks = readChunks(bytes, start);
  return chunks === null ? null : { status, head, body: chunks.body, last, length: chunks.end };
}

function readAnswerAfter(bytes: string, start: number): RawAnswer | null {
  const answer = readAnswer(bytes.slice(start));
  return answer === null ? null : { ...answer, length: start + answer.length };
}

/** The service writes names in lower case. A proxy may not. */
function lengthIn(head: string): number | undefined {
  const at = head.indexOf('\r\ncontent-length: ');
  if (at >= 0) return Number.parseInt(head.slice(at + 18, at + 30), 10);
  const found = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return found === undefined ? undefined : Number(found);
}

function readChunks(bytes: string, start: number): { body: string; end: number } | null {
  let body = '';
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.slice(at, line), 16);
    if (Number.isNaN(size)) throw new Error('a chunk without a size');
    const next = line + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return { body, end: next };
    body += bytes.slice(line + 2, line + 2 + size);
    at = next;
  }
}

/** Status and code of an answer. */
export function wordOf({ status, body }: Pick<RawAnswer, 'status' | 'body'>): string {
  if (status < 300) return String(status);
  // Refusals are the most frequent answers, and parsing one whole would take most of its time.
  const at = body.indexOf('"code":"');
  return at < 0 ? String(status) : `${status} ${body.slice(at + 8, body.indexOf('"', at + 8))}`;
}

/** The claim that an answer names. */
export function claimIn({ body }: Pick<RawAnswer, 'body'>): SeenClaim | undefined {
  const json = jsonIn(body);
  const { claimId, sequence, claimedAt } = (json['claim'] ?? json) as Record<string, unknown>;
  if (typeof sequence !== 'number') return undefined;
  return {
    ...(typeof claimId === 'string' ? { claimId } : {}),
    sequence,
    claimedAt: Date.parse(String(claimedAt)),
  };
}

function jsonIn(body: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** How long the service asks the caller to wait, ms; 0 if it does not say. */
export function retryAfterMs({ head }: Pick<RawAnswer, 'head'>): number {
  return Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 0) * 1_000;
}
