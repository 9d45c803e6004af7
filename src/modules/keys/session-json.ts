import { z } from 'zod';
import { IDENTITIES } from '../../platform/config/variables.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { ADMIN_ROLES } from '../../platform/identity/key-role.js';

export const sessionJsonSchema = z
  .object({
    actor: z.object({ id: z.string(), name: z.string() }).meta({ description: 'As the audit log names the caller.' }),
    role: z.enum(ADMIN_ROLES),
    expiresAt: isoInstant.nullable().meta({ description: 'When the session, or the credential, ends; null: never.' }),
    bySession: z.boolean().meta({ description: 'Is the caller known by the cookie? Otherwise by a credential.' }),
    service: z
      .object({
        profile: z.enum(['embedded', 'distributed']),
        identity: z.enum(IDENTITIES),
        version: z.string(),
        installation: z.string().nullable().meta({ description: 'Its id; null while the database does not tell it.' }),
        twoPerson: z.boolean().meta({ description: 'Do some acts need a second operator (TWO_PERSON)?' }),
        onePort: z.boolean().meta({
          description: 'Do shoppers reach the service at the port of the operators? Not with ADMIN_PORT.',
        }),
      })
      .meta({ description: 'The installation.' }),
  })
  .meta({ id: 'Session' });

export type SessionJson = z.infer<typeof sessionJsonSchema>;
