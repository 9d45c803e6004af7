import { describe, expect, it } from '@jest/globals';
import { parseEnv } from '../config/env.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('the variables of OpenTelemetry', () => {
  it('trace nothing without a receiver, or if the SDK is disabled', () => {
    expect(parseEnv({ OTEL_TRACES_SAMPLER_ARG: '1' }).tracing).toBeUndefined();
    expect(parseEnv({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }).tracing).toBeUndefined();
  });

  it('trace one request of a hundred, unless the caller decides', () => {
    expect(parseEnv(ENDPOINT).tracing).toEqual({ byParent: true, ratio: 0.01, variables: ENDPOINT });
  });

  it.each([
    ['always_on', undefined, { byParent: false, ratio: 1 }],
    ['always_off', '1', { byParent: false, ratio: 0 }],
    ['traceidratio', '0.5', { byParent: false, ratio: 0.5 }],
    ['parentbased_always_on', '0', { byParent: true, ratio: 1 }],
    ['parentbased_always_off', undefined, { byParent: true, ratio: 0 }],
    ['parentbased_traceidratio', '1.0', { byParent: true, ratio: 1 }],
  ])('know the sampler %s with %s', (sampler, arg, expected) => {
    const source = { ...ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg };
    expect(parseEnv(source).tracing).toMatchObject(expected);
  });

  it('hand on what only the SDK reads', () => {
    const more = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_SERVICE_NAME: 'shop' };
    expect(parseEnv({ ...ENDPOINT, ...more, PORT: '0' }).tracing?.variables).toEqual({ ...ENDPOINT, ...more });
  });

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://collector:4317'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://user:password@collector:4318'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'secret-header'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1'],
    ['OTEL_TRACES_SAMPLER_ARG', '-1'],
    ['OTEL_TRACES_SAMPLER_ARG', '1%'],
    ['OTEL_SDK_DISABLED', 'maybe'],
  ])('stop the start with their name: %s=%s', (name, value) => {
    expect(() => parseEnv({ ...ENDPOINT, [name]: value })).toThrow(new RegExp(`^${name}: expected`));
    expect(() => parseEnv({ ...ENDPOINT, [name]: value })).not.toThrow(/secret-header/);
  });
});
