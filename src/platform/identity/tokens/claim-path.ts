import { type JWTPayload } from 'jose';
import { KEY_ROLES, type KeyRole } from '../key-role.js';

/**
 * The claim of this name, or the one at this path: `realm_access.roles` is `roles` within `realm_access`. A claim whose
 * own name has dots, such as `https://shop.example/roles`, comes first.
 */
export function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Where a token names several roles, the one with the lowest rank counts. */
const RANKS: Readonly<Record<KeyRole, number>> = { admin: 0, operator: 1, viewer: 2, issuer: 3, redeemer: 4 };
const BY_RANK = [...KEY_ROLES].sort((a, b) => RANKS[a] - RANKS[b]);

/** The role that a claim names: a text, or one of a list. null for every other text and every other form. */
export function roleOf(claim: unknown): KeyRole | null {
  const names: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return BY_RANK.find((role) => names.includes(role)) ?? null;
}
