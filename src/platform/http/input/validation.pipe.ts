import { type ArgumentMetadata, Injectable, type Paramtype, StandardSchemaValidationPipe } from '@nestjs/common';
import { type z } from 'zod';
import { type InputError, Problem } from '../problem/problem.js';
import { INPUT_RULES, inputRule, pointerStep } from './input-rules.js';

type Issues = NonNullable<Awaited<ReturnType<StandardSchemaValidationPipe['validate']>>['issues']>;
type Issue = Issues[number];

// A body of 4 KB can hold a thousand unknown properties. The first few tell the caller enough.
const MAX_ERRORS = 20;

const PARTS: Readonly<Partial<Record<Paramtype, InputError['in']>>> = { body: 'body', query: 'query', param: 'path' };

/**
 * Checks every `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })`, and passes on the value that the
 * schema returns. `errors[].in` names the part of the request that `errors[].pointer` points into: a JSON pointer alone
 * could mean the body's `limit` or the query's.
 */
@Injectable()
export class ValidationPipe extends StandardSchemaValidationPipe {
  /**
   * Replaces the base class's method for two reasons. It silently deletes `__proto__`, which the body parser and the
   * strict schemas refuse. And its exceptionFactory does not get the part of the request in which the issues are.
   *
   * @throws Problem `validation-failed`, or the code of the first rule that has its own code.
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
 * The body as its schema reads it, for a route that cannot afford a pipe: with a pipe, Nest makes six promises for a
 * body that is already there. Document it with `@ApiJsonBody`.
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
  // A value can break two checks of one rule, such as the largest integer and the largest total. Report it once.
  const errors = [...new Map(all.map((error) => [`${error.pointer} ${error.detail.en}`, error])).values()];
  const own = issues.map((issue) => inputRule(issue.message)?.problem).find((code) => code !== undefined);
  return new Problem(own ?? 'validation-failed', { extensions: { errors: errors.slice(0, MAX_ERRORS) } });
}

function errorsOf(issue: Issue, part: InputError['in'], parent: string): InputError[] {
  const pointer = (issue.path ?? []).reduce<string>((pointer, segment) => {
    const key = typeof segment === 'object' ? segment.key : segment;
    return `${pointer}${pointerStep(String(key))}`;
  }, parent);
  // One issue names all unknown properties of an object. Report each with its own pointer.
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
