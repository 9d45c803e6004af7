import { type FenceReason, GateTimeoutError, GateUnavailableError } from '../../ports/gate/issuance-gate.js';

/** What Redis answers before it has run any of a script, by the first word. Each is a refusal for now. */
const REFUSALS: Readonly<Record<string, string>> = {
  OOM: 'it is out of memory (maxmemory)',
  READONLY: 'it is a replica',
  MASTERDOWN: 'it is a replica that has lost its master',
  MISCONF: 'it cannot write to its disk',
  NOREPLICAS: 'too few replicas follow it (min-replicas-to-write)',
  LOADING: 'it is still loading its data',
  BUSY: 'a script keeps it busy',
  NOAUTH: 'it wants a password',
  WRONGPASS: 'the password is wrong',
  NOPERM: 'its user has too few permissions',
  CLUSTERDOWN: 'its cluster is down',
  MOVED: 'it is a cluster',
  ASK: 'it is a cluster',
  TRYAGAIN: 'it is a cluster',
  UNBLOCKED: 'it gave the call up',
};

/** How ioredis says that nothing was sent. */
const NOT_SENT = /Stream isn't writeable|enableOfflineQueue/;

/** The reason of the fence that an error of Redis stands for, or null when it stands for none. */
export function fenceIn(error: unknown): FenceReason | null {
  const { message } = error as Error;
  if (message.startsWith('NOSCRIPT')) return 'fence-missing';
  // Another client has put a value of another type in the place of a key. Nothing was written: the scripts read all
  // keys first.
  if (message.includes('WRONGTYPE')) return 'count-mismatch';
  return null;
}

/** The script of the epoch is that of an older version, and does not have the operation. It did nothing. */
export function isUnknownOperation(error: unknown): boolean {
  return (error as Error).message.startsWith('ERR unknown operation');
}

/** Tells a command that certainly did not run from one that may have run. */
export function toGateError(error: unknown): GateUnavailableError | GateTimeoutError {
  const { message, name } = error as Error;
  if (name === 'ReplyError') {
    const reason = REFUSALS[message.split(' ', 1)[0] ?? ''];
    const outcome = reason === undefined ? 'Redis failed' : `Redis refuses, ${reason}`;
    return new GateUnavailableError(`${outcome}: ${message}`, { cause: error });
  }
  if (NOT_SENT.test(message)) return new GateUnavailableError('Redis is away', { cause: error });
  // The connection was lost, or the answer is late: the command may have run.
  return new GateTimeoutError(`Redis did not answer: ${message}`, { cause: error });
}
