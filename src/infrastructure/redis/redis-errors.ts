import { type FenceReason, GateTimeoutError, GateUnavailableError } from '../../gate/issuance-gate.js';

/** What Redis says before it has run anything of a script: refused, for now. */
const REFUSED =
  /^(?:READONLY|LOADING|MASTERDOWN|OOM|BUSY|MISCONF|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNBLOCKED|NOAUTH|NOPERM|WRONGPASS)\b/;

/** What ioredis says when nothing was sent. */
const NOT_SENT = /Stream isn't writeable|enableOfflineQueue/;

/** The fence that an answer of Redis is, or null when it is something else. */
export function fenceIn(error: unknown): FenceReason | null {
  const { message } = error as Error;
  if (message.startsWith('NOSCRIPT')) return 'fence-missing';
  // Somebody has put another thing in the place of a key. Nothing was written: the scripts read all keys first.
  if (message.includes('WRONGTYPE')) return 'count-mismatch';
  return null;
}

/** Tells what was certainly not executed from what may have been. */
export function toGateError(error: unknown): GateUnavailableError | GateTimeoutError {
  const { message, name } = error as Error;
  if (name === 'ReplyError') {
    const outcome = REFUSED.test(message) ? 'Redis refuses' : 'Redis failed';
    return new GateUnavailableError(`${outcome}: ${message}`, { cause: error });
  }
  if (NOT_SENT.test(message)) return new GateUnavailableError('Redis is away', { cause: error });
  // The connection was lost, or the answer is late: the command may have run.
  return new GateTimeoutError(`Redis did not answer: ${message}`, { cause: error });
}
