import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { type ApiKey } from '../../platform/identity/api-key.js';
import { KEY_ROLES } from '../../platform/identity/key-role.js';

const fields = {
  id: z.string(),
  name: z.string(),
  role: z.enum(KEY_ROLES),
  createdAt: isoInstant,
  createdBy: z.string().meta({ description: 'The id of the key that made it, or `bootstrap` for ADMIN_TOKEN.' }),
  expiresAt: isoInstant.nullable().meta({ description: 'null: never.' }),
  lastUsedAt: isoInstant.nullable().meta({ description: 'Exact to a minute; null: not used yet.' }),
  revokedAt: isoInstant.nullable().meta({ description: 'null while it is valid.' }),
};

export const keyJsonSchema = z.object(fields).meta({ id: 'ApiKey' });

export const newKeyJsonSchema = z
  .object({ ...fields, key: z.string().meta({ description: 'The key. It is shown only here: keep it safe now.' }) })
  .meta({ id: 'CreatedApiKey' });

export const keyListJsonSchema = pageJsonSchema(keyJsonSchema).meta({ id: 'ApiKeyList' });

export type KeyJson = z.infer<typeof keyJsonSchema>;

export function keyJson(key: ApiKey): KeyJson {
  const { id, name, role, createdAt, createdBy, expiresAt, lastUsedAt, revokedAt } = key;
  return {
    id,
    name,
    role,
    createdAt: isoOf(createdAt),
    createdBy,
    expiresAt: isoOf(expiresAt),
    lastUsedAt: isoOf(lastUsedAt),
    revokedAt: isoOf(revokedAt),
  };
}
