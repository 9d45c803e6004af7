/**
 * Error types with which a broker refuses a batch before it appends anything.
 *
 * NOT_LEADER_FOR_PARTITION and UNKNOWN_TOPIC_OR_PARTITION are not among them: with acks=all a leader answers so, too, when
 * it appended the batch and lost its leadership while it waited for the replicas. The same holds for REQUEST_TIMED_OUT,
 * NOT_ENOUGH_REPLICAS_AFTER_APPEND and KAFKA_STORAGE_ERROR.
 */
const REFUSED_BEFORE_APPEND: ReadonlySet<string> = new Set([
  'NOT_ENOUGH_REPLICAS',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REQUIRED_ACKS',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
  'POLICY_VIOLATION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_VERSION',
]);

/** Error types with which a group's coordinator says that this member no longer owns its partitions. */
const TAKEN_AWAY: ReadonlySet<string> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/**
 * Error types that pass by themselves, mostly within a second: an election, a coordinator that loads, a topic that was
 * just created.
 */
const PASSING: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
  'OFFSET_NOT_AVAILABLE',
  'UNKNOWN_LEADER_EPOCH',
  'FENCED_LEADER_EPOCH',
]);

/** The broker's own name for the error, below what kafkajs wrapped around it; undefined when no broker answered. */
export function protocolErrorType(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const [first] = (current as Error & { errors?: unknown[] }).errors ?? [];
    if (first !== undefined) return protocolErrorType(first);
    const { type } = current as Error & { type?: unknown };
    if (typeof type === 'string') return type;
  }
  return undefined;
}

/** True when the broker has said that nothing of the batch was appended. False proves nothing. */
export function isRefusedBeforeAppend(error: unknown): boolean {
  return REFUSED_BEFORE_APPEND.has(protocolErrorType(error) ?? '');
}

/** True when a heartbeat failed because the partitions go to another consumer. */
export function isTakenAway(error: unknown): boolean {
  return TAKEN_AWAY.has(protocolErrorType(error) ?? '');
}

/** True when a broker answered with an error that will probably pass soon. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(protocolErrorType(error) ?? '') || (error as Error).name === 'KafkaJSGroupCoordinatorNotFound';
}

/** Error types of a request that the broker forbids, or that its version does not know. */
const DENIED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_VERSION',
]);

/** True when a broker answered that it forbids the request or does not know it. Any other answer proves nothing. */
export function isDenied(error: unknown): boolean {
  const { name } = error as Error;
  return name === 'KafkaJSServerDoesNotSupportApiKey' || DENIED.has(protocolErrorType(error) ?? '');
}
