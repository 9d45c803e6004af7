import { type Registry } from 'prom-client';

export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** An observation with its trace. */
export interface Exemplar {
  readonly labelSet: Readonly<Record<string, string>>;
  readonly value: number;
  /** s since the Unix epoch. */
  readonly timestamp: number;
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number | string;
  readonly exemplar?: Exemplar | null;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

/**
 * All metrics in the format of OpenMetrics, which has exemplars. prom-client can write it too, but renames its counters in
 * doing so, and the older format would then lose their endings.
 */
export async function openMetrics(registry: Registry): Promise<string> {
  // What the registry holds as objects; its own type hides the sample names and the exemplars.
  const families = (await registry.getMetricsAsJSON()) as unknown as readonly Family[];
  return `${families.flatMap(linesOf).join('\n')}\n# EOF\n`;
}

function linesOf({ name, help, type, values }: Family): string[] {
  const family = type === 'counter' ? name.replace(/_total$/, '') : name;
  return [
    `# TYPE ${family} ${type}`,
    `# HELP ${family} ${escaped(help)}`,
    ...values.map((sample) => lineOf(name, sample)),
  ];
}

function lineOf(name: string, { metricName = name, labels, value, exemplar }: Sample): string {
  const line = `${metricName}${labelsOf(labels)} ${numberOf(value)}`;
  if (exemplar === undefined || exemplar === null) return line;
  return `${line} # ${labelsOf(exemplar.labelSet) || '{}'} ${exemplar.value} ${exemplar.timestamp}`;
}

function labelsOf(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(`${value}`)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function numberOf(value: number | string): string {
  return value === Infinity ? '+Inf' : `${value}`.replace('Infinity', 'Inf');
}
