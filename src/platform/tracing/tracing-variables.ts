import { z } from 'zod';

/** Which requests are sampled, by the names of the specification. */
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
type Sampler = (typeof SAMPLERS)[number];

/** What is traced, and where the spans go. */
export interface TracingConfig {
  /** A caller's `traceparent` decides; without one, the ratio does. */
  readonly byParent: boolean;
  /** From 0 to 1. */
  readonly ratio: number;
  /** All variables of OpenTelemetry, which its SDK reads by itself. */
  readonly variables: Readonly<Record<string, string>>;
}

const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'true or false' });

/** The variables of OpenTelemetry that this service itself reads. Its SDK knows more. */
export const tracingVariables = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .regex(/^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, {
      error: 'http://host:port or https://host:port of a receiver of OTLP over HTTP; port 4318 by custom',
    })
    .optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .regex(/^[\x21-\x7e]+=[\x20-\x7e]*$/, { error: 'name=value, several separated by commas' })
    .optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/json', 'http/protobuf'], { error: 'http/json; grpc is not spoken here' })
    .default('http/json'),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS, { error: `one of ${SAMPLERS.join(', ')}` }).default('parentbased_traceidratio'),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/, { error: 'a number from 0 to 1, such as 0.01' })
    .transform(Number)
    .default(0.01),
  OTEL_SERVICE_NAME: z.string().default('coupon-system'),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
  OTEL_SDK_DISABLED: flag.default(false),
};

type Parsed = z.infer<z.ZodObject<typeof tracingVariables>>;

/** @returns undefined where nothing is traced. */
export function readTracingConfig(
  env: Parsed,
  values: Readonly<Record<string, string | undefined>>,
): TracingConfig | undefined {
  if (env.OTEL_EXPORTER_OTLP_ENDPOINT === undefined || env.OTEL_SDK_DISABLED) return undefined;
  const named = Object.entries(values).filter(
    (entry): entry is [string, string] => /^OTEL_(?!.*_FILE$)/.test(entry[0]) && entry[1] !== undefined,
  );
  return {
    byParent: env.OTEL_TRACES_SAMPLER.startsWith('parentbased_'),
    ratio: ratioOf(env.OTEL_TRACES_SAMPLER, env.OTEL_TRACES_SAMPLER_ARG),
    variables: Object.fromEntries(named),
  };
}

function ratioOf(sampler: Sampler, ratio: number): number {
  if (sampler.endsWith('always_on')) return 1;
  return sampler.endsWith('always_off') ? 0 : ratio;
}
