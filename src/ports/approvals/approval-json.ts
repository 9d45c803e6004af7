import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { ApiAnswer } from '../../platform/http/openapi/openapi.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { ADMIN_ROLES } from '../../platform/identity/key-role.js';
import { type Approval, APPROVAL_STATUSES, APPROVED_ACTIONS } from '../database/approval-store.js';

const who = z.object({ id: z.string(), name: z.string() });
const facts = z.record(z.string(), z.unknown());

/** A request for a second operator, in JSON. */
export const approvalJsonSchema = z
  .object({
    id: z.string(),
    action: z.enum(APPROVED_ACTIONS),
    subject: z.string().meta({ description: 'The id of what it acts on.' }),
    campaignId: z.string().nullable(),
    neededRole: z.enum(ADMIN_ROLES).meta({ description: 'The role of whoever decides.' }),
    order: facts.meta({ description: 'What was asked for, and of which version.' }),
    consequences: facts.meta({ description: 'What it would do, by the numbers of the moment when it was asked for.' }),
    status: z.enum(APPROVAL_STATUSES).meta({
      description: 'FAILED: it was approved, and was not as it had been any more. Nothing was changed.',
    }),
    requestedBy: who,
    requestedAt: isoInstant,
    expiresAt: isoInstant.meta({ description: 'Until then another operator may approve it.' }),
    decidedBy: who.nullable(),
    decidedAt: isoInstant.nullable(),
    outcome: facts.nullable().meta({ description: 'What came of it, or what had changed.' }),
  })
  .meta({ id: 'Approval' });

export type ApprovalJson = z.infer<typeof approvalJsonSchema>;

/** What only the service may read of an order. */
const KEPT_BACK = 'secretDigest';

export function approvalJson(approval: Approval): ApprovalJson {
  const { createdAt, expiresAt, decidedAt, order, consequences, outcome, ...fields } = approval;
  return {
    ...fields,
    order: Object.fromEntries(Object.entries(order).filter(([field]) => field !== KEPT_BACK)),
    consequences: { ...consequences },
    outcome: outcome === null ? null : { ...outcome },
    requestedAt: isoOf(createdAt),
    expiresAt: isoOf(expiresAt),
    decidedAt: isoOf(decidedAt),
  };
}

/** Documents the answer of a call that another operator has to approve. */
export function ApiNeedsApproval(schema: z.ZodType = approvalJsonSchema): MethodDecorator {
  return ApiAnswer(202, 'With `TWO_PERSON=true`: nothing was changed yet; another operator has to approve it.', schema);
}

/** The answer of such a call. */
export function waitsForApproval(reply: FastifyReply, approval: Approval): ApprovalJson {
  reply.code(202);
  return approvalJson(approval);
}
