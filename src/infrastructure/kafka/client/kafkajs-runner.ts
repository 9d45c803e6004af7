import Runner from 'kafkajs/src/consumer/runner.js';
import errors from 'kafkajs/src/errors.js';

const { fetch } = Runner.prototype;

/**
 * When a broker comes or goes, kafkajs 2.2.4 waits for its fetchers and makes others. Those of a consumer that was
 * stopped meanwhile fetch nothing, at once and for ever: no timer and no socket of the process gets a turn any more, and
 * only SIGKILL ends it. Here they fail, which ends them. A consumer that is stopped at any other time asks for nothing.
 */
export function endFetchersOfStoppedConsumers(): void {
  Runner.prototype.fetch = function (this: Runner, nodeId): Promise<unknown[]> {
    return this.running
      ? fetch.call(this, nodeId)
      : Promise.reject(new errors.KafkaJSError('the consumer was stopped'));
  };
}
