import { z } from 'zod';
import { CHALLENGE_COST, CHALLENGES, MAX_CAMPAIGN_TOTAL } from '../../../domain/campaign.js';
import { USER_ID } from '../../../domain/user-id.js';
import { type InputRuleName } from './input-rules.js';
import { INSTANT_PATTERN, readInstant } from './instant.js';
import { isVisibleLine, VISIBLE_LINE_PATTERN } from './visible-text.js';

const rule = (name: InputRuleName): { readonly error: InputRuleName } => ({ error: name });

/** A user's id in a path, where what {@link USER_ID} allows beyond unreserved characters may be percent-encoded. */
export const userId = z
  .string(rule('user-id'))
  .regex(USER_ID, rule('user-id'))
  .meta({ description: 'The user, as the caller knows them.', examples: ['user-1'] });

/** A user's id in a body: a text, or a JSON integer from 0 to 2^53 − 1, which becomes its decimal text. */
export const userIdOrNumber = z
  .union([userId, z.int().min(0).transform(String)], rule('user-id'))
  .meta({ description: 'Text, or an integer that is taken as its decimal text.', examples: ['user-1'] });

/** A campaign's id: a ULID, or a short name such as `default`. */
export const campaignId = z
  .string(rule('campaign-id'))
  .regex(/^[A-Za-z0-9-]{1,26}$/, rule('campaign-id'))
  .meta({ description: 'The campaign.', examples: ['default'] });

/** A row's number in a path. A number above 2^53 − 1 is cut to it, because no row has such a number. */
export const rowId = z
  .string(rule('row-id'))
  .regex(/^[1-9]\d*$/, rule('row-id'))
  .meta({ type: 'integer', minimum: 1, pattern: undefined, format: 'int64', examples: [1] })
  .transform((text) => Math.min(Number(text), Number.MAX_SAFE_INTEGER));

/** An ISO 8601 instant with a time zone, as milliseconds since 1970; see {@link readInstant}. */
export const instant = z
  .string(rule('instant'))
  .meta({
    format: 'date-time',
    pattern: INSTANT_PATTERN,
    description: 'An ISO 8601 instant with a time zone, of the years 1970 to 9999. Seconds may be left out.',
  })
  .transform((text, context) => {
    const read = readInstant(text);
    if (typeof read === 'number') return read;

    context.addIssue({ code: 'custom', message: read });
    return z.NEVER;
  });

const line = (max: number, name: InputRuleName) =>
  z
    .string(rule(name))
    .refine((text) => [...text].length <= max && isVisibleLine(text), { ...rule(name), abort: true })
    .meta({ minLength: 1, maxLength: max, pattern: VISIBLE_LINE_PATTERN });

/** A campaign's name: 1 to 200 characters (code points) that people can read; see {@link isVisibleLine}. */
export const campaignName = line(200, 'campaign-name').meta({
  description: 'For people: something to see, and nothing hidden.',
});

/** The id of an API key: a ULID. */
export const keyId = z
  .string(rule('key-id'))
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, rule('key-id'))
  .meta({ description: 'The API key.', examples: ['01KBA0Z9M0Q3V5H8N2R4T6W8YA'] });

/** The id of a request for a second operator: a ULID. */
export const approvalId = z
  .string(rule('approval-id'))
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, rule('approval-id'))
  .meta({ description: 'The request for a second operator.', examples: ['01KBA0Z9M0Q3V5H8N2R4T6W8YB'] });

/** What the audit calls actors that are no key. */
const OTHER_ACTORS = /^\s*(?:(?:bootstrap|service|command|unknown)\s*$|jwt:|npm run\b)/i;

/** The name of an API key: 1 to 100 characters that people can read, and not the name of another actor. */
export const keyName = line(100, 'key-name')
  .refine((text) => !OTHER_ACTORS.test(text), rule('key-name-taken'))
  .meta({
    description:
      'For people: who or what uses the key. Not what the audit calls other actors, such as `bootstrap` or `jwt:…`.',
  });

/** An operator's reason for an action, kept in the audit. */
export const reason = line(500, 'reason').meta({ description: 'Why; kept in the audit.' });

/** A campaign's stock, in coupons: a JSON number, not a text. */
export const campaignTotal = z
  .int(rule('total'))
  .min(1, rule('total'))
  .max(MAX_CAMPAIGN_TOTAL, rule('total'))
  .meta({ description: 'The stock, in coupons.' });

/** The same in a query. */
export const totalInQuery = z
  .string(rule('total'))
  .regex(/^(?:[1-9]\d{0,6}|10000000)$/, rule('total'))
  .meta({ type: 'integer', minimum: 1, maximum: MAX_CAMPAIGN_TOTAL, pattern: undefined })
  .transform(Number);

/** A JSON boolean. */
export const flag = z.boolean(rule('flag'));

/** What a caller has to pass before an entry token is given. */
export const challenge = z.enum(CHALLENGES, rule('challenge')).meta({
  description: 'What a caller has to pass before an entry token is given. `turnstile` needs TURNSTILE_SECRET.',
});

/** The cost of a proof of work. */
export const challengeCost = z
  .int(rule('challenge-cost'))
  .min(CHALLENGE_COST.min, rule('challenge-cost'))
  .max(CHALLENGE_COST.max, rule('challenge-cost'))
  .meta({ description: 'proof-of-work: iterations of one try. A proof takes 256 tries on average.' });

/** The answer to a challenge: a Turnstile token, or ALTCHA's payload in base64. */
export const challengeAnswer = z
  .string(rule('challenge-answer'))
  .regex(/^[!-~]{1,3000}$/, rule('challenge-answer'))
  .meta({ description: 'The answer to the challenge: the Turnstile token, or ALTCHA’s payload in base64.' });

/** How many items a page has. A parameter that is given twice arrives as an array and is refused. */
export const limit = z
  .string(rule('limit'))
  .regex(/^(?:[1-9]\d{0,2}|1000)$/, rule('limit'))
  .meta({ type: 'integer', minimum: 1, maximum: 1000, default: 50, pattern: undefined })
  .transform(Number)
  .default(50);

/** Turns the position of a page's last item into an opaque text and back. */
export interface KeysetCursor<Position> {
  /** Makes the `nextCursor` of an answer. */
  encode(position: Position): string;
  /**
   * Reads the query's `cursor`. Refuses a text that {@link KeysetCursor.encode} did not make, with `invalid-cursor`.
   */
  readonly schema: z.ZodType<Position, string>;
}

/**
 * @param position the shape of a position, such as `z.tuple([z.int(), campaignId])`. The caller sends the cursor, so
 * its content is checked like any other input.
 */
export function keysetCursor<Position>(position: z.ZodType<Position>): KeysetCursor<Position> {
  const encode = (value: Position): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const schema = z
    .string(rule('cursor'))
    .max(512, rule('cursor'))
    .transform((text, context): Position => {
      try {
        const decoded = position.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
        // base64url ignores foreign characters and spare bits. Only the exact text that the service gave out is
        // accepted.
        if (encode(decoded) === text) return decoded;
      } catch {
        // Reported below.
      }
      context.addIssue({ code: 'custom', message: 'cursor' satisfies InputRuleName });
      return z.NEVER;
    });
  return { encode, schema };
}

/**
 * The query of a list: `limit`, `cursor` and filters. It is strict: a misspelt filter is refused, not ignored.
 */
export function listQuery<Position, Filters extends z.ZodRawShape>(cursor: KeysetCursor<Position>, filters: Filters) {
  return z.strictObject({ limit, cursor: cursor.schema.optional(), ...filters });
}
