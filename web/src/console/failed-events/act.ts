import { attempt } from '../../api/attempt.ts';
import { api } from '../../api/client.ts';
import { isApproval } from '../approvals/approval.ts';
import { type Done } from './run-many.ts';
import { type Action } from './selection.ts';
import { type FailedEvent } from './words.ts';

/** Only as the operator has seen the row: one that was changed since is refused. */
export async function actOnRow(action: Action, { id, version }: FailedEvent, reason: string): Promise<Done> {
  const params = { path: { id }, header: { 'If-Match': `"${version}"` } };
  const outcome =
    action === 'requeue'
      ? await attempt(api.POST('/api/admin/failed-events/{id}/requeue', { params }))
      : await attempt(api.POST('/api/admin/failed-events/{id}/discard', { params, body: { reason } }));
  if (!outcome.ok) return { kind: 'refused', failure: outcome.failure };
  const { data } = outcome;
  return isApproval(data) ? { kind: 'waits', until: data.expiresAt } : { kind: 'done' };
}

/** Which rows an act on many is for. */
export interface BulkFilter {
  readonly status: 'DEAD' | 'PENDING';
  readonly campaignId?: string | undefined;
}

/** @param expected how many rows the operator was told; with another number now, nothing happens. */
export function actOnAll(action: Action, filter: BulkFilter, expected: number, reason: string) {
  const order = { ...filter, expected };
  return action === 'requeue'
    ? attempt(api.POST('/api/admin/failed-events/requeue', { body: order }))
    : attempt(api.POST('/api/admin/failed-events/discard', { body: { ...order, reason } }));
}
