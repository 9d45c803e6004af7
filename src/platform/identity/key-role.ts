/** What an API key may do. Each of the first three may do everything that the one before it may. */
export const KEY_ROLES = ['viewer', 'operator', 'admin', 'issuer', 'redeemer'] as const;

export type KeyRole = (typeof KEY_ROLES)[number];

/** The roles of people who run the service, from the one that may least. */
export const ADMIN_ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly KeyRole[];

export type AdminRole = (typeof ADMIN_ROLES)[number];

/** Is it a role of people who run the service? */
export function isAdminRole(role: KeyRole): role is AdminRole {
  return ADMIN_ROLES.some((one) => one === role);
}

/** May this role make a call that needs `needed`? An issuer or a redeemer may make no admin call. */
export function mayAct(role: KeyRole, needed: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(role as AdminRole) >= ADMIN_ROLES.indexOf(needed);
}

/** May this role see the codes of coupons of any user? Whoever has a code can redeem it. */
export function maySeeCodes(role: KeyRole): boolean {
  return role === 'issuer' || mayAct(role, 'operator');
}
