import { Logger } from '@nestjs/common';
import { type Risk } from '../../platform/config/risks.js';
import { type KafkaConnection } from './client/kafka-connection.js';
import { isDenied } from './client/kafka-errors.js';
import { risksOfTopic, type TopicDescription, whyTopicUnusable } from './topic-settings.js';

/** No claim may be put on the topic; the message names the variable, the topic and the setting. */
export class UnusableTopicError extends Error {
  override readonly name = 'UnusableTopicError';
}

/**
 * Checks the topic's settings at the start, and every minute when the publisher looks for its leaders.
 *
 * When the settings are spoilt under a running service, publishers stop writing to the topic. Claims become failed
 * events then, and go onto the topic when it is mended. Consumers go on reading it, which can only save claims.
 *
 * Each process has one, so it logs each line once.
 */
export class TopicCheck {
  private readonly logger = new Logger('Kafka');
  private readonly logged = new Set<string>();
  private lastReason: string | null = null;

  /** @param warnOfRisk is told of settings that an operator may have chosen knowingly. */
  constructor(private readonly warnOfRisk: (risk: Risk, finding: string) => void = () => undefined) {}

  /**
   * @returns why no claim may be put on the topic, or null.
   * @throws what the connection rejects with while no broker answers.
   */
  async check(connection: KafkaConnection): Promise<UnusableTopicError | null> {
    const description = await this.describe(connection);
    if (description === null) return null;
    const found = risksOfTopic(description);
    if (found !== null) this.logOnce(found.finding, () => this.warnOfRisk(found.risk, found.finding));
    const why = whyTopicUnusable(description);
    return why === null ? null : new UnusableTopicError(`KAFKA_TOPIC: ${why}`);
  }

  /** {@link check}, with a line in the log when a reason is found that was not there the last time. */
  async checkAndLog(connection: KafkaConnection): Promise<UnusableTopicError | null> {
    const unusable = await this.check(connection);
    if (unusable !== null && unusable.message !== this.lastReason) this.logger.error(unusable.message);
    this.lastReason = unusable?.message ?? null;
    return unusable;
  }

  /** null where the broker does not show the settings. That is no reason to refuse the topic. */
  private async describe(connection: KafkaConnection): Promise<TopicDescription | null> {
    try {
      return await connection.describeTopic();
    } catch (error) {
      if (!isDenied(error)) throw error;
      const { message } = error as Error;
      this.logOnce('denied', () =>
        this.logger.warn(
          `the settings of KAFKA_TOPIC cannot be read (DescribeConfigs: ${message}): make sure that none of them loses claims`,
        ),
      );
      return null;
    }
  }

  private logOnce(what: string, log: () => void): void {
    if (this.logged.has(what)) return;
    this.logged.add(what);
    log();
  }
}
