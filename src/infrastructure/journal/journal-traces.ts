import { holderKey } from '../../domain/claim.js';
import { TRACE_PARENT } from '../../platform/tracing/trace-parent.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { type OutgoingClaim } from '../../ports/log/claim-log.js';

/** Records that may wait for the consumer with a header. Older ones lose it. */
const MOST = 10_000;
const NONE = {};

/**
 * The headers of records that are traced. The journal has no column for them: every claim would pay for it. One process
 * writes the journal and reads it, so they are kept in its memory. A restart loses the link to what is still unread.
 */
export class JournalTraces {
  private readonly parents = new Map<string, string>();

  /** Call it before the commit: the consumer may read the records right after it. */
  note(events: readonly OutgoingClaim[]): void {
    for (const event of events) {
      if (event.span !== undefined) putNewest(this.parents, holderKey(event), event.span.traceParent, MOST);
    }
  }

  headersOf(key: string | null): Record<string, Uint8Array> {
    const parent = key === null || this.parents.size === 0 ? undefined : this.parents.get(key);
    return parent === undefined ? NONE : { [TRACE_PARENT]: Buffer.from(parent) };
  }
}
