import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { AppConfig } from '../config/env.js';
import { AdminAccess } from './admin-access.js';
import { maySeeCodes } from './key-role.js';

/** What an answer to an operator or a viewer may hold of a claim. */
export interface Sight {
  /** The code of the coupon, with which anyone can redeem it. */
  readonly withCodes: boolean;
  /** The id of the claim. With `IDENTITY=open` it proves the claim, and so opens its code. */
  readonly withClaimIds: boolean;
}

/** Decides what the caller of an admin call sees. */
@Injectable()
export class AdminSight {
  constructor(
    private readonly access: AdminAccess,
    private readonly config: AppConfig,
  ) {}

  /** @throws as {@link AdminAccess.identify} does. */
  async of(request: FastifyRequest): Promise<Sight> {
    const actor = await this.access.identify(request);
    const withCodes = actor !== null && maySeeCodes(actor.role);
    // mutant: ids-for-viewers
    return { withCodes, withClaimIds: withCodes || this.config.identity !== 'open' };
  }
}
