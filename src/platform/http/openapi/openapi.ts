import { applyDecorators } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  ApiBody,
  ApiExtension,
  ApiHeader,
  ApiProduces,
  ApiResponse,
  DocumentBuilder,
  type OpenAPIObject,
  type SwaggerDocumentOptions,
  SwaggerModule,
} from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { AppConfig } from '../../config/env.js';
import { ADMIN_SCHEME, SESSION_SCHEME } from '../../identity/admin.guard.js';
import { SESSION_COOKIE } from '../../identity/session/session-cookie.js';
import { IF_MATCH_PATTERN } from '../input/if-match.js';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { completeAnswers, operationsOf, REFUSALS_EXTENSION } from './openapi-answers.js';
import { documentCallers } from './openapi-callers.js';
import { header, type HeaderName, PARAMETERS_OF_EVERY_REQUEST } from './openapi-headers.js';
import { serveOpenApiPages } from './openapi-pages.js';

/** Documents the refusals of this operation only. Those that all operations share are added to the document later. */
export function ApiProblems(...codes: readonly ProblemCode[]): MethodDecorator {
  return ApiExtension(REFUSALS_EXTENSION, [...codes]);
}

/** What {@link ApiAnswer} may add to an answer. */
interface AnswerDetails {
  /** Header names with their meaning in this answer. */
  readonly headers?: Readonly<Partial<Record<HeaderName, string>>>;
  /** Headers that only some of these answers carry. */
  readonly sometimes?: readonly HeaderName[];
  /** Calls that may follow the answer: the operation, and where its parameters come from. */
  readonly links?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Documents a success whose body has the output shape of the schema. `@Body`, `@Query` and `@Param` with a schema need
 * no other decorator.
 */
export function ApiAnswer(
  status: number,
  description: string,
  schema: z.ZodType,
  { headers = {}, sometimes = [], links = {} }: AnswerDetails = {},
): MethodDecorator {
  const names = Object.keys(headers) as HeaderName[];
  return ApiResponse({
    status,
    description,
    standardSchema: schema,
    headers: Object.fromEntries(
      names.map((name) => [name, header(name, sometimes.includes(name) ? 'sometimes' : 'always', headers[name])]),
    ),
    links: Object.fromEntries(
      Object.entries(links).map(([operationId, parameters]) => [operationId, { operationId, parameters }]),
    ),
  });
}

/** Documents a success whose body is a file. */
export function ApiFile(mediaType: string, description: string, format?: 'binary'): MethodDecorator {
  return applyDecorators(
    ApiProduces(mediaType),
    ApiResponse({
      status: 200,
      description: `The file. ${description}`,
      schema: { type: 'string', ...(format === undefined ? {} : { format }) },
      headers: { 'Content-Disposition': header('Content-Disposition', 'always') },
    }),
  );
}

/** Documents a success that is a stream of server-sent events, whose `data` is JSON of this schema. */
export function ApiEventStream(description: string, schema: z.ZodType): MethodDecorator {
  return applyDecorators(
    ApiProduces('text/event-stream'),
    ApiResponse({
      status: 200,
      description: `${description} The \`data\` of each event is JSON of this schema; its \`id\` is \`at\`.`,
      standardSchema: schema,
      headers: { 'X-Accel-Buffering': header('X-Accel-Buffering', 'always') },
    }),
  );
}

/** Documents the header with which a caller goes on with a stream. */
export function ApiLastEventId(): MethodDecorator {
  return ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description:
      'The `id` of the last event that the caller has seen: what came behind it is sent first. With any other text the stream begins as without it.',
    schema: { type: 'string' },
  });
}

/** Documents a body that the handler reads through `validBody`. */
export function ApiJsonBody(schema: z.ZodType): MethodDecorator {
  // `@Body({ schema })` passes on the same member; the options' type does not name it.
  const options = { required: true, standardSchema: schema };
  return ApiBody(options as Parameters<typeof ApiBody>[0]);
}

/** Documents the If-Match header of a change. The handler reads it with `ifMatch`. */
export function ApiIfMatch(): MethodDecorator {
  return ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'The version that was read, as in its `ETag`: `"3"`. Or `*`, for whatever there is.',
    schema: { type: 'string', pattern: IF_MATCH_PATTERN, example: '*' },
  });
}

/** Documents the key with which a caller may safely repeat a call. The handler reads it with `idempotencyKeyOf`. */
export function ApiIdempotencyKey(description: string): MethodDecorator {
  return ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: `${description} 1 to 255 printable ASCII characters.`,
    // HTTP removes blanks at both ends.
    schema: { type: 'string', pattern: '^[!-~](?:[ -~]{0,253}[!-~])?$' },
  });
}

/** Documents the token of a claim whose campaign requires an entry. */
export function ApiEntryToken(): MethodDecorator {
  return ApiHeader({
    name: 'X-Entry-Token',
    required: false,
    description: 'The entry token of this user, where the campaign has `requireEntry`.',
    schema: { type: 'string' },
  });
}

/**
 * The OpenAPI document of the application, complete enough to generate a client from.
 *
 * @param basePath the prefix that a proxy in front removes from the path.
 */
export function createOpenApiDocument(app: NestFastifyApplication, basePath = ''): OpenAPIObject {
  const document = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Coupons, first come, first served')
      .setDescription(
        'Every refusal is `application/problem+json`. Texts are Korean, or English where Accept-Language prefers it.',
      )
      .setVersion('1')
      .addServer(basePath === '' ? '/' : basePath)
      // Not addBearerAuth, which calls every token a JWT.
      .addSecurity(ADMIN_SCHEME, { type: 'http', scheme: 'bearer', description: 'An API key, or ADMIN_TOKEN.' })
      .addSecurity(SESSION_SCHEME, {
        type: 'apiKey',
        in: 'cookie',
        name: SESSION_COOKIE,
        description:
          'The cookie of `POST /api/admin/session`. A call that is not GET or HEAD needs `X-Requested-With` and a same-origin `Origin` besides.',
      })
      .build(),
    {
      // Operation ids become method names of generated clients: `applyForCoupon` reads better than Nest's
      // `ApplyController_applyForCoupon`.
      operationIdFactory: (_controller, method) => method,
      standardSchemaConverter: asOpenApi,
    },
  );
  documentCallers(document, app.get(AppConfig).identity);
  completeAnswers(document);
  for (const [, operation] of operationsOf(document)) {
    const common = Object.keys(PARAMETERS_OF_EVERY_REQUEST).map((name) => ({
      $ref: `#/components/parameters/${name}`,
    }));
    operation.parameters = [...(operation.parameters ?? []), ...common];
  }
  document.components = { ...document.components, parameters: { ...PARAMETERS_OF_EVERY_REQUEST } };
  return document;
}

/** A schema with an `id` becomes a component of that name. */
const asOpenApi: NonNullable<SwaggerDocumentOptions['standardSchemaConverter']> = (schema, { schemaType }) => {
  const { definitions, ...root } = z.toJSONSchema(schema as z.ZodType, {
    target: 'openapi-3.0',
    io: schemaType,
    override: ({ jsonSchema }) => {
      // Zod adds the limits of JavaScript's integers. For a request they are real limits of the service; an answer has
      // none.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (schemaType === 'output' && jsonSchema.maximum === Number.MAX_SAFE_INTEGER) {
        delete jsonSchema.maximum;
        jsonSchema.format = 'int64';
      }
      if (schemaType === 'output' && jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  return { schema: root, components: definitions } as ReturnType<typeof asOpenApi>;
};

/** Serves the document and the pages that show it. Call it before the application is initialised. */
export function setupOpenApi(app: NestFastifyApplication, basePath = ''): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  serveOpenApiPages(fastify, () => createOpenApiDocument(app, basePath));
}
