import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Metric } from 'prom-client';
import { parse } from 'yaml';
import { FILES } from '../ops/grafana/make-dashboards.mjs';
import { MetricsRegistry } from '../src/platform/metrics/metrics-registry.js';
import { Client } from './support/client.js';
import { familiesIn, lint } from './support/prom-lint.js';
import { type Service, startService } from './support/service.js';

const FOLDER = 'ops/grafana/dashboards';

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
    readonly datasource: { readonly uid: string };
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string; readonly exemplar?: boolean }[];
  }[];
  readonly templating: { readonly list: readonly { readonly definition: string }[] };
}

const dashboards = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(`${FOLDER}/${name}`, 'utf8');
  return { name, text, dashboard: JSON.parse(text) as Dashboard };
});

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const rules = (parse(readFileSync('ops/alerts.yml', 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** What PromQL itself knows: what stands behind these names are no metrics. */
const WORDS = new Set(
  'abs absent and avg by bool count group_left group_right histogram_quantile humanize ignoring increase label_values le max min offset on or rate sum unless without'.split(
    ' ',
  ),
);
/** Labels that Prometheus adds. */
const ADDED = ['instance', 'job'];

/** Every name outside of strings, ranges and label lists. */
function metricsNamedIn(expr: string): string[] {
  const plain = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replace(/\boffset\s+\w+/g, '')
    .replace(/\b\d[\w.]*/g, '')
    .replace(/label_values\((\w+),[^)]*\)/g, '$1');
  return (plain.match(/[a-zA-Z_:][\w:]*/g) ?? []).filter((word) => !WORDS.has(word));
}

/** Every label in selectors, groupings and legends. */
function labelsNamedIn(expr: string, legend = ''): string[] {
  const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inner = '']) =>
    [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
  );
  const groupings = [...expr.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)].flatMap(
    ([, inner = '']) => inner.split(',').map((label) => label.trim()),
  );
  const values = [...expr.matchAll(/label_values\(\w+,\s*(\w+)\)/g)].map(([, label = '']) => label);
  const legends = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  return [...selectors, ...groupings, ...values, ...legends].filter((label) => label !== '');
}

describe('the dashboards', () => {
  let service: Service;
  let text: string;
  /** The labels of each name under which Prometheus stores a metric. */
  let known: Map<string, ReadonlySet<string>>;

  beforeAll(async () => {
    service = await startService();
    const client = new Client(...service.urls);
    await client.claim('somebody');
    text = await (await fetch(`${service.url}/metrics`)).text();
    // What has no series yet says only in the registry which labels it will have.
    const registered = service.app.get(MetricsRegistry).getMetricsAsArray() as unknown as (Metric & {
      readonly labelNames?: readonly string[];
    })[];
    const namesOf = new Map(
      registered.map((metric) => [(metric as unknown as { name: string }).name, metric.labelNames]),
    );
    known = new Map([['up', new Set(ADDED)]]);
    for (const [name, { type, labels }] of familiesIn(text)) {
      const all = new Set([...ADDED, ...labels, ...(namesOf.get(name) ?? [])]);
      for (const stored of type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]) {
        known.set(stored, all);
      }
    }
  });
  afterAll(() => service.stop());

  const unknownIn = (expr: string, legend?: string): string[] => {
    const metrics = metricsNamedIn(expr);
    const labels = new Set(metrics.flatMap((metric) => [...(known.get(metric) ?? [])]));
    return [
      ...metrics.filter((metric) => !known.has(metric)),
      ...labelsNamedIn(expr, legend).filter((label) => label !== 'le' && !labels.has(label)),
    ];
  };

  it('are what ops/grafana/make-dashboards.mjs makes', () => {
    expect(Object.fromEntries(dashboards.map(({ name, text: written }) => [name, written]))).toEqual(FILES);
  });

  it.each(dashboards.map(({ name, dashboard }) => [name, dashboard] as const))(
    '%s names metrics and labels that the service has',
    (_name, { panels, templating }) => {
      const queries = panels.flatMap(({ targets }) => targets);
      expect(queries.length).toBeGreaterThan(10);
      for (const { expr, legendFormat } of queries) expect([expr, unknownIn(expr, legendFormat)]).toEqual([expr, []]);
      for (const { definition } of templating.list) expect(unknownIn(definition)).toEqual([]);
    },
  );

  it.each(dashboards.map(({ name, dashboard }) => [name, dashboard] as const))(
    '%s has panels with a title and a unit, none on top of another',
    (_name, { uid, title, panels }) => {
      expect(`${uid} ${title}`).toMatch(/^coupon-\w+ Coupons: /);
      expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length);
      for (const { gridPos, fieldConfig, datasource } of panels) {
        expect(fieldConfig.defaults.unit).toMatch(/\S/);
        expect(datasource.uid).toBe('prometheus');
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        const above = panels.filter(
          ({ gridPos: other }) =>
            other.x < gridPos.x + gridPos.w &&
            gridPos.x < other.x + other.w &&
            other.y < gridPos.y + gridPos.h &&
            gridPos.y < other.y + other.h,
        );
        expect(above).toHaveLength(1);
      }
    },
  );

  it('lead from the p99 of a claim to a trace', () => {
    const drop = dashboards.find(({ name }) => name === 'drop.json')?.dashboard;
    const panel = drop?.panels.find(({ title }) => title === 'Time of a claim');
    expect(panel?.targets.map(({ exemplar }) => exemplar)).toEqual([true, true]);
    const { datasources } = parse(readFileSync('ops/grafana/provisioning/datasources/datasources.yml', 'utf8'));
    const [prometheus, jaeger] = datasources;
    expect(prometheus).toMatchObject({
      uid: panel?.datasource.uid,
      jsonData: { exemplarTraceIdDestinations: [{ name: 'trace_id', datasourceUid: jaeger.uid }] },
    });
  });

  it('show every metric that the service writes down for operators', () => {
    const shown = new Set(
      dashboards.flatMap(({ dashboard }) =>
        dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsNamedIn(expr))),
      ),
    );
    const own = [...familiesIn(text).keys()].filter((name) => name.startsWith('coupon_'));
    const missing = own.filter(
      (name) => ![name, `${name}_bucket`, `${name}_count`].some((stored) => shown.has(stored)),
    );
    expect(missing).toEqual([]);
  });

  it.each(rules.map(({ alert, expr }) => [alert, expr] as const))(
    'and the alert %s name what there is',
    (_alert, expr) => {
      expect(unknownIn(expr)).toEqual([]);
    },
  );

  it('read metrics that promtool has nothing to say against', () => {
    expect(lint(text)).toEqual([]);
  });
});
