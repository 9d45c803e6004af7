import { z } from 'zod';
import { CHALLENGES } from '../../domain/campaign.js';
import { isoInstant } from '../../platform/http/output/schemas.js';

export const entryJsonSchema = z
  .object({
    token: z.string().meta({ description: 'Send it with the claim, as X-Entry-Token.' }),
    notBefore: isoInstant,
    expiresAt: isoInstant,
  })
  .meta({ id: 'Entry' });

export const posedJsonSchema = z
  .object({
    challenge: z.enum(CHALLENGES),
    parameters: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'proof-of-work: the challenge of ALTCHA, version 2, as its widget and solvers take it.' }),
    signature: z.string().optional().meta({ description: 'proof-of-work: belongs to the parameters.' }),
    action: z.string().optional().meta({ description: 'turnstile: the `action` of the widget.' }),
    cdata: z
      .string()
      .optional()
      .meta({ description: 'turnstile: the `cData` of the widget. It names user and campaign.' }),
  })
  .meta({ id: 'Challenge' });

export type EntryJson = z.infer<typeof entryJsonSchema>;
export type PosedJson = z.infer<typeof posedJsonSchema>;
