import { type Risk } from '../../platform/config/risks.js';

/** A topic as its brokers describe it. */
export interface TopicDescription {
  readonly topic: string;
  /** Replicas of the partition that has the fewest. */
  readonly replicas: number;
  /** Name → value. A setting that the broker does not know or show is missing. */
  readonly settings: ReadonlyMap<string, string>;
}

export interface TopicRisk {
  readonly risk: Risk;
  readonly finding: string;
}

interface Rule {
  readonly setting: string;
  readonly isGood: (value: string, topic: TopicDescription) => boolean;
  readonly expected: string;
  /** What happens otherwise. */
  readonly otherwise: string;
}

const HOUR_MS = 3_600_000;
/** About 200,000 claims in one partition. */
const MIN_RETENTION_BYTES = 64 * 1_024 * 1_024;
/** A batch of a thousand of the largest claims has some 600 KB. */
const MIN_MESSAGE_BYTES = 1_000_000;
const READABLE = ['uncompressed', 'producer', 'gzip'];
const UNLIMITED = -1;

const atLeast = (least: number) => (value: string) => Number(value) === UNLIMITED || Number(value) >= least;

/** Settings that can lose a claim that was answered 202, or that make our batches impossible to write or to read. */
const RULES: readonly Rule[] = [
  {
    setting: 'compression.type',
    isGood: (value) => READABLE.includes(value),
    expected: 'uncompressed, producer or gzip',
    otherwise: 'the consumer cannot read what the broker makes of a claim',
  },
  {
    setting: 'cleanup.policy',
    isGood: (value) => !value.split(',').some((policy) => policy.trim() === 'compact'),
    expected: 'delete',
    otherwise: 'compaction deletes claims that nobody has consumed yet',
  },
  {
    setting: 'retention.ms',
    isGood: atLeast(HOUR_MS),
    expected: `${HOUR_MS} (an hour) at least, better a week`,
    otherwise: 'claims are deleted that a consumer has not reached yet',
  },
  {
    setting: 'retention.bytes',
    isGood: atLeast(MIN_RETENTION_BYTES),
    expected: `-1, or ${MIN_RETENTION_BYTES} at least`,
    otherwise: 'claims are deleted that a consumer has not reached yet',
  },
  {
    setting: 'max.message.bytes',
    isGood: (value) => Number(value) >= MIN_MESSAGE_BYTES,
    expected: `${MIN_MESSAGE_BYTES} at least`,
    otherwise: 'the broker refuses batches of claims',
  },
  {
    setting: 'min.insync.replicas',
    isGood: (value, { replicas }) => Number(value) <= replicas,
    expected: 'no more than the topic has replicas',
    otherwise: 'the broker refuses every claim',
  },
];

/** The settings on which promises rest. */
export const SHOWN_SETTINGS: ReadonlySet<string> = new Set([
  ...RULES.map(({ setting }) => setting),
  'unclean.leader.election.enable',
]);

/** Why no claim may be put on this topic, with its name and the setting's; or null. */
export function whyTopicUnusable(description: TopicDescription): string | null {
  for (const { setting, isGood, expected, otherwise } of RULES) {
    const value = description.settings.get(setting);
    if (value === undefined || isGood(value, description)) continue;
    const { topic, replicas } = description;
    const having = setting === 'min.insync.replicas' ? ` and ${replicas} replicas` : '';
    return `topic ${topic} has ${setting}=${value}${having}; expected ${expected}: otherwise ${otherwise}`;
  }
  return null;
}

/** Settings that an operator may choose knowingly. One finding at most: the worst comes first. */
export function risksOfTopic({ topic, replicas, settings }: TopicDescription): TopicRisk | null {
  const risk = 'one-replica';
  if (replicas <= 1) {
    const finding = `topic ${topic} has one replica: a lost disk or a power cut of its broker loses claims that were answered 202`;
    return { risk, finding };
  }
  if (settings.get('min.insync.replicas') === '1') {
    const finding = `topic ${topic} has min.insync.replicas=1: a claim may be answered 202 while only one broker has it`;
    return { risk, finding };
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    const finding = `topic ${topic} has unclean.leader.election.enable=true: a broker that missed claims may become the leader, and they are lost`;
    return { risk, finding };
  }
  return null;
}
