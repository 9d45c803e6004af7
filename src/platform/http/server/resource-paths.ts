import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/env.js';

/**
 * Paths that answers give out, as callers have to ask for them: with what a proxy in front strips. No id needs escaping,
 * because the patterns of ids hold only unreserved characters.
 */
@Injectable()
export class ResourcePaths {
  private readonly campaigns: string;

  constructor({ http }: AppConfig) {
    this.campaigns = `${http.basePath}/api/campaigns/`;
  }

  campaign(campaignId: string): string {
    return this.campaigns + campaignId;
  }

  /** Where the claim's status is found. */
  claim(campaignId: string, userId: string): string {
    return `${this.campaigns}${campaignId}/claims/${userId}`;
  }
}
