import { applyDecorators, type CanActivate, type ExecutionContext, Injectable, UseGuards } from '@nestjs/common';
import { ApiBearerAuth } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { Problem } from '../http/problem/problem.js';
import { AdminToken } from './admin-token.js';

/** What a request brings: no token, the right token, or something else. */
export type AdminAccess = 'absent' | 'granted' | 'refused';

/** The name of the admin token's scheme in the API document. */
export const ADMIN_SCHEME = 'admin';

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** For calls that show more to an admin. Calls for admins only have {@link Admin}. */
export function adminAccess(authorization: string | undefined, token: AdminToken): AdminAccess {
  if (authorization === undefined) return 'absent';

  const candidate = BEARER.exec(authorization)?.[1];
  return candidate !== undefined && token.matches(candidate) ? 'granted' : 'refused';
}

/** The refusal of a missing or wrong token, with the challenge that RFC 6750 §3 requires. */
export function unauthorized(access: Exclude<AdminAccess, 'granted'>): Problem {
  const challenge = 'Bearer realm="admin"';
  return new Problem('unauthorized', {
    headers: { 'www-authenticate': access === 'absent' ? challenge : `${challenge}, error="invalid_token"` },
  });
}

/** Lets only requests with the admin token pass. */
@Injectable()
class AdminGuard implements CanActivate {
  constructor(private readonly token: AdminToken) {}

  /** @throws Problem `unauthorized`. */
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const access = adminAccess(headers.authorization, this.token);
    if (access !== 'granted') throw unauthorized(access);

    return true;
  }
}

/** For admins only. One decorator both guards the call and documents it, so that the two cannot differ. */
export function Admin(): ClassDecorator & MethodDecorator {
  return applyDecorators(UseGuards(AdminGuard), ApiBearerAuth(ADMIN_SCHEME));
}
