import { applyDecorators } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  ApiBearerAuth,
  ApiBody,
  ApiResponse,
  DocumentBuilder,
  type OpenAPIObject,
  SwaggerModule,
} from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { type z } from 'zod';
import { serveOpenApiPages } from './openapi-pages.js';
import { PROBLEM_MEDIA_TYPE, problemBody, type ProblemCode, PROBLEMS } from './problem.js';

/** The document's name for the admin token's scheme. */
const ADMIN_SCHEME = 'admin';

type SchemaObject = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

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
        claimId: { type: 'string' },
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
    startsAt: { type: 'string', format: 'date-time', description: 'campaign-not-started: when it starts.' },
  },
};

type Documentation = MethodDecorator & ClassDecorator;

/** Documents refusals from the problem table; several codes of one status become examples of one answer. */
export function ApiProblems(...codes: readonly ProblemCode[]): Documentation {
  const statuses = [...new Set(codes.map((code) => PROBLEMS[code].status))];
  return applyDecorators(
    ...statuses.map((status) => {
      const same = codes.filter((code) => PROBLEMS[code].status === status);
      const examples = same.map((code) => [
        code,
        {
          summary: PROBLEMS[code].detail.en,
          value: JSON.parse(problemBody(code, 'ko', undefined, 'Zk3q-1')) as unknown,
        },
      ]);
      return ApiResponse({
        status,
        description: same.map((code) => `\`${code}\` ${PROBLEMS[code].detail.en}`).join('\n\n'),
        content: {
          [PROBLEM_MEDIA_TYPE]: {
            schema: { $ref: '#/components/schemas/Problem' },
            examples: Object.fromEntries(examples) as Record<string, { summary: string; value: unknown }>,
          },
        },
      });
    }),
  );
}

/**
 * Documents a success whose body has the schema's output shape. `@Body`, `@Query` and `@Param` with a schema document
 * themselves.
 *
 * @param headers - name → what it says.
 */
export function ApiAnswer(
  status: number,
  description: string,
  schema: z.ZodType,
  headers: Readonly<Record<string, string>> = {},
): Documentation {
  return applyDecorators(
    ApiResponse({
      status,
      description,
      standardSchema: schema,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, says]) => [name, { description: says, schema: { type: 'string' } }]),
      ),
    }),
  );
}

/** Documents a body that the handler reads through `validBody`. */
export function ApiJsonBody(schema: z.ZodType): MethodDecorator {
  // The member that `@Body({ schema })` hands on; the options' type does not name it.
  const options = { required: true, standardSchema: schema };
  return ApiBody(options as Parameters<typeof ApiBody>[0]);
}

/** Documents a call that needs the admin token; the guard itself is AdminGuard. */
export function ApiAdmin(): Documentation {
  return applyDecorators(ApiBearerAuth(ADMIN_SCHEME), ApiProblems('unauthorized'));
}

/** The OpenAPI document of the application, complete enough to generate a client from. */
export function createOpenApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Coupons, first come, first served')
      .setDescription(
        'Every refusal is `application/problem+json`. Texts are Korean, or English where Accept-Language prefers it.',
      )
      .setVersion('1')
      .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' }, ADMIN_SCHEME)
      .build(),
    // Operation ids become method names of generated clients: `applyForCoupon`, not `ApplyController_applyForCoupon`.
    { operationIdFactory: (_controller, method) => method },
  );
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: PROBLEM_SCHEMA },
  };
  for (const path of Object.values(document.paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const responses = path[method]?.responses;
      if (responses !== undefined) {
        responses['default'] ??= {
          description: 'Any other refusal.',
          content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        };
      }
    }
  }
  return document;
}

/** Serves the document, and pages that show it. Call it before the application is initialised. */
export function setupOpenApi(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  serveOpenApiPages(fastify, () => createOpenApiDocument(app));
}
