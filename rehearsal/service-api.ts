import { type StoredCoupon } from '../oracle/history.js';
import { UsageError } from './usage-error.js';

/** A campaign as the service shows it. */
export interface CampaignJson {
  readonly id: string;
  readonly name: string;
  readonly total: number;
  readonly remaining: number | null;
  readonly state: string;
  readonly requireEntry: boolean;
  readonly version: number;
}

/** What the audit of a campaign says; null: the gate cannot be asked right now. */
export interface AuditJson {
  readonly total: number;
  readonly gate: number | null;
  readonly pending: number | null;
  readonly issued: number;
  readonly rows: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly drift: number;
}

/** A coupon with the moment at which its row was written, ms since the Unix epoch. */
export interface IssuedCoupon extends StoredCoupon {
  readonly issuedAt: number;
}

/** What a service says of itself. */
export interface ServiceVersion {
  readonly version: string;
  readonly node: string;
  readonly profile: string;
}

export interface ServiceAccess {
  readonly url: URL;
  readonly adminUrl: URL;
  readonly token: string | undefined;
  readonly key: string | undefined;
}

/** A call waits for its answer for this time, ms. */
const PATIENCE_MS = 30_000;
const UNKNOWN = 'unknown';

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The calls of a rehearsal that are not part of its load. */
export class ServiceApi {
  constructor(private readonly access: ServiceAccess) {}

  /** @returns the epoch of the open gate; null while it is not open. */
  async epoch(): Promise<number | null> {
    const { text } = await this.ask('GET', '/health/ready');
    const { gate } = JSON.parse(text) as { gate?: { state?: string; epoch?: number | null } };
    return gate?.state === 'open' ? (gate.epoch ?? null) : null;
  }

  async version(): Promise<ServiceVersion> {
    const { text } = await this.askAdmin('GET', '/metrics');
    const labels = /^coupon_build_info\{([^}]*)\}/m.exec(text)?.[1] ?? '';
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? UNKNOWN;
    return { version: label('version'), node: label('node'), profile: label('profile') };
  }

  async campaign(id: string): Promise<CampaignJson | null> {
    const answer = await this.ask('GET', `/api/campaigns/${encodeURIComponent(id)}`);
    return answer.status === 404 ? null : (this.json(answer, 200) as CampaignJson);
  }

  async createCampaign(name: string, total: number): Promise<CampaignJson> {
    const answer = await this.askAdmin('POST', '/api/admin/campaigns', { body: { name, total } });
    return this.json(answer, 201) as CampaignJson;
  }

  async closeCampaign(id: string): Promise<void> {
    this.json(await this.askAdmin('POST', `/api/admin/campaigns/${id}/close`), 200);
  }

  async audit(id: string): Promise<AuditJson> {
    return this.json(await this.askAdmin('GET', `/api/admin/campaigns/${id}/audit`), 200) as AuditJson;
  }

  /** Every coupon of the campaign, in the order of the claims. */
  async coupons(id: string): Promise<IssuedCoupon[]> {
    const answer = await this.askAdmin('GET', `/api/admin/campaigns/${id}/coupons.ndjson`);
    if (answer.status !== 200) throw refusal(answer);
    return answer.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const { userId, claimId, sequence, claimedAt, issuedAt } = JSON.parse(line) as Record<string, string>;
        if (claimId === undefined) throw new UsageError('the token is of a viewer, who is not shown the ids of claims');
        return {
          userId: userId!,
          claimId,
          sequence: Number(sequence),
          claimedAt: Date.parse(claimedAt!),
          issuedAt: Date.parse(issuedAt!),
        };
      });
  }

  /** The claims of the campaign that an operator has discarded. */
  async discarded(id: string): Promise<{ userId: string; sequence: number }[]> {
    const found: { userId: string; sequence: number }[] = [];
    for (let cursor = ''; ;) {
      const path = `/api/admin/failed-events?status=DISCARDED&limit=100&campaignId=${id}${cursor}`;
      const page = this.json(await this.askAdmin('GET', path), 200) as {
        items: { userId: string; sequence: number }[];
        nextCursor: string | null;
      };
      found.push(...page.items.map(({ userId, sequence }) => ({ userId, sequence })));
      if (page.nextCursor === null || page.nextCursor === undefined) return found;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  /** The status of a claim, asked for with the key of the rehearsal. */
  claimStatus(campaignId: string, userId: string): Promise<Answer> {
    return this.ask('GET', `/api/campaigns/${campaignId}/claims/${userId}`, { headers: this.issuer() });
  }

  /** One press of the button. */
  apply(campaignId: string, userId: string): Promise<Answer> {
    return this.ask('POST', '/api/coupons/apply', { body: { userId, campaignId }, headers: this.issuer() });
  }

  private issuer(): Record<string, string> {
    return this.access.key === undefined ? {} : { authorization: `Bearer ${this.access.key}` };
  }

  private askAdmin(method: string, path: string, options: { body?: unknown } = {}): Promise<Answer> {
    const { token, adminUrl } = this.access;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return this.ask(method, path, { ...options, headers, from: adminUrl });
  }

  private async ask(
    method: string,
    path: string,
    { body, headers, from = this.access.url }: { body?: unknown; headers?: Record<string, string>; from?: URL } = {},
  ): Promise<Answer> {
    const response = await fetch(`${from.origin}${from.pathname.replace(/\/$/, '')}${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'manual',
    });
    return { status: response.status, text: await response.text() };
  }

  private json(answer: Answer, expected: number): unknown {
    if (answer.status !== expected) throw refusal(answer);
    return JSON.parse(answer.text);
  }
}

/** What an answer that was not expected says. */
function refusal({ status, text }: Answer): Error {
  const code = /"code":"([^"]*)"/.exec(text)?.[1];
  if (status === 401) {
    return new UsageError('the service does not know the token: --token, ADMIN_TOKEN or data/admin-token');
  }
  if (status === 403) return new UsageError(`the token may not do this (${code}): it has to be an operator's`);
  return new Error(`the service answered ${status} ${code ?? text.slice(0, 200)}`);
}
