import { MANNERS } from './call-plan.js';

/** What the requests of one rehearsal have in common. */
export interface RequestFacts {
  /** As the header Host names it. */
  readonly host: string;
  /** What a proxy strips, such as `/coupons`. */
  readonly basePath: string;
  readonly campaignId: string;
  /** Its users' ids begin with this. */
  readonly userPrefix: string;
  /** The issuer key, where the service does not let everybody claim. */
  readonly key?: string;
}

const OTHER_TAB = MANNERS.indexOf('other-tab');

/** Writes the requests of users. */
export class RequestTexts {
  private readonly claimHead: string;
  private readonly statusHead: string;
  private readonly statusTail: string;

  constructor(private readonly facts: RequestFacts) {
    const { host, basePath, key, campaignId } = facts;
    const common = `Host: ${host}\r\n${key === undefined ? '' : `Authorization: Bearer ${key}\r\n`}`;
    this.claimHead = `POST ${basePath}/api/coupons/apply HTTP/1.1\r\n${common}Content-Type: application/json\r\n`;
    this.statusHead = `GET ${basePath}/api/campaigns/${campaignId}/claims/`;
    this.statusTail = ` HTTP/1.1\r\n${common}X-Claim-Id: `;
  }

  userId(user: number): string {
    return this.facts.userPrefix + user;
  }

  /** @param manner an index of {@link MANNERS}. */
  claim(user: number, manner: number): string {
    const userId = this.userId(user);
    const body = `{"userId":"${userId}","campaignId":"${this.facts.campaignId}"}`;
    // One key for each user, as a page keeps it. Another tab has a key of its own.
    const key = manner === OTHER_TAB ? `${userId}-other-tab` : userId;
    return `${this.claimHead}Idempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  status(user: number, claimId: string): string {
    return `${this.statusHead}${this.userId(user)}${this.statusTail}${claimId}\r\n\r\n`;
  }
}
