import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/env.js';

/**
 * The paths in answers, as callers have to use them: with the prefix that a proxy in front removes. A campaign's id needs
 * no escaping, because its pattern allows only unreserved characters.
 */
@Injectable()
export class ResourcePaths {
  private readonly campaigns: string;
  private readonly adminCampaigns: string;

  constructor({ http }: AppConfig) {
    this.campaigns = `${http.basePath}/api/campaigns/`;
    this.adminCampaigns = `${http.basePath}/api/admin/campaigns/`;
  }

  campaign(campaignId: string): string {
    return this.campaigns + campaignId;
  }

  /** A campaign as operators see it, a draft too. */
  adminCampaign(campaignId: string): string {
    return this.adminCampaigns + campaignId;
  }

  /** Where an entry token is given. */
  entry(campaignId: string): string {
    return `${this.campaigns}${campaignId}/entry`;
  }

  /** Where the challenge of an entry is. */
  challenge(campaignId: string): string {
    return `${this.campaigns}${campaignId}/challenge`;
  }

  /** The path of a claim's status. */
  claim(campaignId: string, userId: string): string {
    return `${this.campaigns}${campaignId}/claims/${encodeURIComponent(userId)}`;
  }
}
