import { describe, expect, it } from '@jest/globals';
import { isDenied, isPassing, isRefusedBeforeAppend, isTakenAway, protocolErrorType } from './kafka-errors.js';

const protocolError = (type: string, cause?: unknown) => Object.assign(new Error(type, { cause }), { type });

describe('the errors of Kafka', () => {
  it('are found below what kafkajs wrapped around them', () => {
    const error = protocolError('NOT_LEADER_FOR_PARTITION');
    expect(protocolErrorType(error)).toBe('NOT_LEADER_FOR_PARTITION');
    expect(protocolErrorType(new Error('retries exceeded', { cause: error }))).toBe('NOT_LEADER_FOR_PARTITION');
    const aggregate = Object.assign(new Error('topic creation errors'), { errors: [error] });
    expect(protocolErrorType(aggregate)).toBe('NOT_LEADER_FOR_PARTITION');
    expect(protocolErrorType(new Error('ECONNREFUSED'))).toBeUndefined();
    expect(protocolErrorType('no error at all')).toBeUndefined();
  });

  it.each(['NOT_ENOUGH_REPLICAS', 'MESSAGE_TOO_LARGE', 'TOPIC_AUTHORIZATION_FAILED'])(
    '%s was refused before anything was appended',
    (type) => expect(isRefusedBeforeAppend(protocolError(type))).toBe(true),
  );

  // With acks=all a leader may have appended the batch before it answers with one of these.
  it.each([
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'NOT_LEADER_FOR_PARTITION',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'REQUEST_TIMED_OUT',
    'KAFKA_STORAGE_ERROR',
    'UNKNOWN',
  ])('%s proves nothing', (type) => expect(isRefusedBeforeAppend(protocolError(type))).toBe(false));

  it('an error without an answer of a broker proves nothing', () => {
    for (const error of [new Error('Closed connection'), new TypeError('a bug'), undefined]) {
      expect(isRefusedBeforeAppend(error)).toBe(false);
    }
  });

  it('tells a rebalance from a broker that is merely silent', () => {
    expect(isTakenAway(protocolError('REBALANCE_IN_PROGRESS'))).toBe(true);
    expect(isTakenAway(protocolError('UNKNOWN_MEMBER_ID'))).toBe(true);
    expect(isTakenAway(new Error('Request Heartbeat timed out'))).toBe(false);
  });

  it('knows what passes by itself', () => {
    expect(isPassing(protocolError('GROUP_LOAD_IN_PROGRESS'))).toBe(true);
    expect(isPassing(protocolError('TOPIC_AUTHORIZATION_FAILED'))).toBe(false);
    expect(isPassing(new Error('ECONNREFUSED'))).toBe(false);
  });

  it('tells what is denied from what is not answered', () => {
    for (const type of ['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'UNSUPPORTED_VERSION']) {
      expect(isDenied(protocolError(type))).toBe(true);
    }
    // The settings of the topic may be bad. After such an error, a start must not go on as if the broker hid them.
    for (const type of ['UNKNOWN', 'REQUEST_TIMED_OUT', 'KAFKA_STORAGE_ERROR', 'NETWORK_EXCEPTION']) {
      expect(isDenied(protocolError(type))).toBe(false);
    }
    const unknownCall = Object.assign(new Error(), { name: 'KafkaJSServerDoesNotSupportApiKey' });
    expect(isDenied(unknownCall)).toBe(true);
    expect(isDenied(protocolError('UNKNOWN_TOPIC_OR_PARTITION'))).toBe(false);
    expect(isDenied(new Error('Request DescribeConfigs timed out'))).toBe(false);
  });
});
