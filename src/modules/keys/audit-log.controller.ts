import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId, instant, keysetCursor, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { isoInstant, pageJson, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { pageOf } from '../../platform/values/page.js';
import { type RecordedAction } from '../../ports/database/admin-audit-store.js';
import { Database } from '../../ports/database/database.js';

const cursor = keysetCursor(z.int().min(1));
const auditQuery = listQuery(cursor, {
  actor: z
    .string()
    .regex(/^(?:[0-9A-HJKMNP-TV-Z]{26}|bootstrap|service|command|unknown|jwt:[A-Za-z0-9._@|:+=~-]{1,124})$/, {
      error: 'audit-actor',
    })
    .optional()
    .meta({
      description:
        'The id of an API key, `bootstrap`, `service`, `command`, or `jwt:` and the user of a token; `unknown` for rows of a version that did not keep it.',
    }),
  action: z
    .string()
    .regex(/^[a-z]+(?:[.-][a-z]+)*$/, { error: 'audit-action' })
    .max(64, { error: 'audit-action' })
    .optional()
    .meta({ description: 'Such as `campaign.close`.' }),
  campaignId: campaignId.optional(),
  from: instant.optional().meta({ description: 'Done at this instant or later.' }),
  to: instant.optional().meta({ description: 'Done before this instant.' }),
});

const auditEntryJsonSchema = z
  .object({
    id: z.int().min(1),
    at: isoInstant,
    action: z.string().meta({ description: 'Such as `campaign.close`.' }),
    subject: z.string().meta({ description: 'The id of what was acted on.' }),
    campaignId: z.string().nullable(),
    actor: z.object({ id: z.string(), name: z.string() }).meta({
      description:
        'The API key; `bootstrap` for ADMIN_TOKEN, `service` for the service itself, `command` for a command on the database, `jwt:…` for a token.',
    }),
    requestId: z.string().nullable(),
    address: z.string().nullable().meta({ description: 'Where the call came from.' }),
    detail: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What was asked for; `before` and `after` hold what it changed.' }),
  })
  .meta({ id: 'AuditEntry' });

const auditLogJsonSchema = pageJsonSchema(auditEntryJsonSchema).meta({ id: 'AuditLog' });

/** Shows what operators and admins have done. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/audit-log')
export class AuditLogController {
  constructor(private readonly database: Database) {}

  @Get()
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiAnswer(200, 'One page.', auditLogJsonSchema, {
    links: { listAuditLog: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor')
  async listAuditLog(
    @Query({ schema: auditQuery }) { limit, cursor: beforeId, ...filter }: z.infer<typeof auditQuery>,
  ): Promise<z.infer<typeof auditLogJsonSchema>> {
    const { actor, action, campaignId, from, to } = filter;
    const rows = await this.database.read((unit) =>
      unit.audit.list({
        limit: limit + 1,
        ...(beforeId === undefined ? {} : { beforeId }),
        ...(actor === undefined ? {} : { actor }),
        ...(action === undefined ? {} : { action }),
        ...(campaignId === undefined ? {} : { campaignId }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      }),
    );
    return pageJson(
      pageOf(rows, limit, ({ id }) => id),
      entryJson,
      cursor,
    );
  }
}

function entryJson({ id, createdAt, action, subject, campaignId, by, detail }: RecordedAction) {
  const { actor, requestId, address } = by;
  return {
    id,
    at: isoOf(createdAt),
    action,
    subject,
    campaignId,
    actor,
    requestId,
    address,
    detail: withIsoInstants(detail),
  };
}

/** Fields of a detail that are instants. They are stored as ms since the Unix epoch, or as ISO 8601 by some acts. */
const INSTANTS: ReadonlySet<string> = new Set(['startsAt', 'endsAt', 'expiresAt', 'from', 'to']);

/** The answer has one form of an instant, also for rows of earlier versions. */
function withIsoInstants(detail: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]: [string, unknown]) => {
      if (INSTANTS.has(name) && typeof value === 'number') return [name, isoOf(value)];
      const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [name, isNested ? withIsoInstants(value) : value];
    }),
  );
}
