import { type CallOrigin } from '../../platform/identity/actor.js';

/** The service has opened an epoch, whose number is the subject: the history of the gate. */
export const GATE_OPENED = 'gate.open';

/** One operator action, kept for good. */
export interface AdminAction {
  /** `campaign.create`, `campaign.pause`, `failed-event.discard` … */
  readonly action: string;
  /** The id of what was acted on. */
  readonly subject: string;
  /** The campaign that it concerns; null where it concerns none. */
  readonly campaignId: string | null;
  readonly by: CallOrigin;
  /** Small JSON: what was asked for, and what it changed. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An action as it is stored. */
export interface RecordedAction extends AdminAction {
  readonly id: number;
  /** ms since the Unix epoch. */
  readonly createdAt: number;
}

/** Which actions are wanted; a field that is left out does not matter. */
export interface AdminActionFilter {
  readonly limit: number;
  readonly beforeId?: number;
  /** The id of the actor. */
  readonly actor?: string;
  readonly action?: string;
  readonly campaignId?: string;
  /** At this instant or later, ms since the Unix epoch. */
  readonly from?: number;
  /** Before this instant, ms since the Unix epoch. */
  readonly to?: number;
}

/** The table `admin_audit`; written in the transaction of the action itself, so that neither exists without the other. */
export abstract class AdminAuditStore {
  abstract record(action: AdminAction): Promise<void>;

  /** Is there such an action on this subject? */
  abstract has(action: string, subject: string): Promise<boolean>;

  /** Newest first. */
  abstract list(filter: AdminActionFilter): Promise<RecordedAction[]>;
}
