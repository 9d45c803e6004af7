import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiCookieAuth, ApiExtension } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { callerAddress } from '../http/connections/caller-address.js';
import { type CallOrigin } from './actor.js';
import { AdminAccess } from './admin-access.js';
import { type AdminRole } from './key-role.js';

/** The name of the admin's scheme in the API document. */
export const ADMIN_SCHEME = 'admin';
/** The name of the scheme of the console's session. */
export const SESSION_SCHEME = 'session';
/** The role that a call needs, in the API document. */
export const ROLE_EXTENSION = 'x-role';

const NEEDED_ROLE = 'needed-role';

/** Who makes a guarded call. It lives as long as its request. */
const origins = new WeakMap<FastifyRequest, CallOrigin>();

/** Lets only requests of the needed role pass. */
@Injectable()
class AdminGuard implements CanActivate {
  constructor(
    private readonly access: AdminAccess,
    private readonly reflector: Reflector,
  ) {}

  /** @throws as {@link AdminAccess.enter} does. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const places = [context.getHandler(), context.getClass()];
    const needed = this.reflector.getAllAndOverride<AdminRole>(NEEDED_ROLE, places);
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const actor = await this.access.enter(request, needed);
    origins.set(request, { actor, requestId: request.id, address: callerAddress(request) });
    return true;
  }
}

/**
 * For callers with this role or one that may more. One decorator both guards the call and documents it, so that the two
 * cannot differ.
 */
export function Admin(role: AdminRole): ClassDecorator & MethodDecorator {
  return applyDecorators(
    UseGuards(AdminGuard),
    NeedsRole(role),
    ApiBearerAuth(ADMIN_SCHEME),
    ApiCookieAuth(SESSION_SCHEME),
  );
}

/** For one call of a controller with {@link Admin}: another role than the others. */
export function NeedsRole(role: AdminRole): ClassDecorator & MethodDecorator {
  return applyDecorators(SetMetadata(NEEDED_ROLE, role), ApiExtension(ROLE_EXTENSION, role));
}

/** The caller of a guarded call, for the audit: a parameter of the handler. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): CallOrigin => {
  const origin = origins.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (origin === undefined) throw new Error('a call without @Admin has no known caller');
  return origin;
});
