/** One operator action, kept for good. */
export interface AdminAction {
  /** `campaign.create`, `campaign.pause`, `failed-event.discard` … */
  action: string;
  /** The id of what was acted on. */
  subject: string;
  requestId: string | null;
  /** Small JSON: what was asked for, and what it changed. */
  detail: Record<string, unknown>;
}

/** The table `admin_audit`; written in the transaction of the action itself, so that neither exists without the other. */
export abstract class AdminAuditStore {
  abstract record(action: AdminAction): Promise<void>;
}
