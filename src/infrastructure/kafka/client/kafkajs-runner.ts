import Runner from 'kafkajs/src/consumer/runner.js';
import errors from 'kafkajs/src/errors.js';

const { fetch } = Runner.prototype;

/**
 * When a broker comes or goes, kafkajs 2.2.4 waits for its fetchers and makes others. When the consumer is stopped
 * during that wait, the new fetchers loop and fetch nothing: no timer and no socket of the process gets a turn, and
 * only SIGKILL ends it. Here their fetch rejects, which ends them. A consumer that is stopped at any other time fetches
 * nothing.
 */
export function endFetchersOfStoppedConsumers(): void {
  Runner.prototype.fetch = function (this: Runner, nodeId): Promise<unknown[]> {
    return this.running
      ? fetch.call(this, nodeId)
      : Promise.reject(new errors.KafkaJSError('the consumer was stopped'));
  };
}
