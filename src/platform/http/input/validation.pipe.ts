import { type ArgumentMetadata, Injectable, type Paramtype, StandardSchemaValidationPipe } from '@nestjs/common';
import { type z } from 'zod';
import { type InputError, Problem } from '../problem/problem.js';
import { INPUT_RULES, inputRule } from './input-rules.js';
import { pointerStep } from './json-pointer.js';

type Issues = NonNullable<Awaited<ReturnType<StandardSchemaValidationPipe['validate']>>['issues']>;
type Issue = Issues[number];

// A body of 4 KB can hold a thousand unknown properties; a client learns nothing from the last nine hundred.
const MAX_ERRORS = 20;

const PARTS: Readonly<Partial<Record<Paramtype, InputError['in']>>> = { body: 'body', query: 'query', param: 'path' };

/**
 * Checks every `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })`, and hands on what the schema made of
 * the value. `errors[].in` says which part of the request `errors[].pointer` points into, because a JSON pointer alone
 * could mean either the body's `limit` or the query's.
 */
@Injectable()
export class ValidationPipe extends StandardSchemaValidationPipe {
  /**
   * The base class would delete `__proto__` without a word, where the body parser and the strict schemas refuse it, and
   * its exceptionFactory does not learn which part of the request the issues are about. So the steps are taken here.
   *
   * @throws Problem `validation-failed`, or the code of the first rule that has one of its own.
   */
  override async transform<T = unknown>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema } = metadata;
    if (schema === undefined || !this.toValidate(metadata)) return value;

    const checked = this.validate(value, schema);
    const result = checked instanceof Promise ? await checked : checked;
    if (result.issues !== undefined) throw problemOf(result.issues, metadata);

    return result.value as T;
  }
}

/**
 * The body as its schema reads it, for a route that cannot afford a pipe: with one, Nest makes six promises for a body
 * that is there already. Document it with `@ApiJsonBody`.
 *
 * @throws Problem as {@link ValidationPipe}.
 */
export function validBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw problemOf(result.error.issues as unknown as Issues, { type: 'body' });
  return result.data;
}

function problemOf(issues: Issues, metadata: ArgumentMetadata): Problem {
  const part = PARTS[metadata.type] ?? 'header';
  const parent = metadata.data === undefined ? '' : pointerStep(metadata.data);
  const all = issues.flatMap((issue) => errorsOf(issue, part, parent));
  // A value can break two checks of one rule (too large an integer, and too large a total); it is told once.
  const errors = [...new Map(all.map((error) => [`${error.pointer} ${error.detail.en}`, error])).values()];
  const own = issues.map((issue) => inputRule(issue.message)?.problem).find((code) => code !== undefined);
  return new Problem(own ?? 'validation-failed', { extensions: { errors: errors.slice(0, MAX_ERRORS) } });
}

function errorsOf(issue: Issue, part: InputError['in'], parent: string): InputError[] {
  const pointer = (issue.path ?? []).reduce<string>((pointer, segment) => {
    const key = typeof segment === 'object' ? segment.key : segment;
    return `${pointer}${pointerStep(String(key))}`;
  }, parent);
  // One issue stands for all unknown properties of an object; each of them deserves its own pointer.
  if ('keys' in issue && Array.isArray(issue.keys)) {
    return issue.keys.map((key) => ({
      in: part,
      pointer: `${pointer}${pointerStep(String(key))}`,
      detail: INPUT_RULES.unknown,
    }));
  }
  const { ko, en } = inputRule(issue.message) ?? (pointer === '' ? INPUT_RULES.object : INPUT_RULES.invalid);
  return [{ in: part, pointer, detail: { ko, en } }];
}
