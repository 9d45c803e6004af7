import { Logger } from '@nestjs/common';
import { type KafkaConfig as KafkajsConfig, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import { type KafkaConfig } from '../../../platform/config/config-parts.js';
import { readFetchedBatchesStrictly } from './kafkajs-fetch.js';
import { quietRequestQueues } from './kafkajs-request-queue.js';
import { endFetchersOfStoppedConsumers } from './kafkajs-runner.js';
import { type Sockets } from './sockets.js';

quietRequestQueues();
endFetchersOfStoppedConsumers();
readFetchedBatchesStrictly();

const logger = new Logger('kafkajs');

/**
 * kafkajs logs for developers: several lines for every failed attempt. They are logged as debug here. The adapters tell
 * operators in one line that the broker is away, and in one that it is back.
 */
export function logCreator(): (entry: LogEntry) => void {
  return ({ namespace, label, log: { message, timestamp: _timestamp, logger: _logger, ...details } }) =>
    logger.debug({ message: `${label} [${namespace}] ${message}`, ...details });
}

export const LOG_LEVEL = logLevel.WARN;

/** Where the brokers are, and what they know this client by. */
export function connectionOptions(
  { brokers, ssl, sasl }: KafkaConfig,
  sockets: Sockets,
  clientId = 'coupon-system',
): Required<Pick<KafkajsConfig, 'clientId' | 'ssl' | 'socketFactory'>> & { brokers: string[]; sasl?: SASLOptions } {
  return {
    clientId,
    brokers: [...brokers],
    ssl,
    ...(sasl === undefined ? {} : { sasl }),
    socketFactory: sockets.factory,
  };
}
