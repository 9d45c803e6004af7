// Writes the dashboards of Grafana: `node ops/grafana/make-dashboards.mjs`. test/dashboards.embedded-spec.ts compares the
// files with what this makes, and every metric and label in them with what the service has.
import { mkdirSync, writeFileSync } from 'node:fs';

const COLUMNS = 24;
const HEIGHT = 8;

/** The p-th quantile of a histogram; Prometheus adds the processes up before it estimates. */
const quantile = (p, metric, selector = '') =>
  `histogram_quantile(${p}, sum by (le) (rate(${metric}_bucket${selector}[$__rate_interval])))`;
const p50and99 = (metric, selector) => [
  [quantile(0.5, metric, selector), 'p50'],
  [quantile(0.99, metric, selector), 'p99'],
];
const perSecond = (metric, by, selector = '') => [
  `sum by (${by}) (rate(${metric}${selector}[$__rate_interval]))`,
  `{{${by}}}`,
];

const CLAIM = '{route="/api/coupons/apply"}';
const CAMPAIGN = '{campaign=~"$campaign"}';
const JOB = '{job="coupon"}';

/** [title, unit, queries, more]: a query is [expression, legend]. */
const graph = (title, unit, queries, more = {}) => ({ type: 'timeseries', title, unit, queries, width: 8, ...more });
const stat = (title, unit, expression, more = {}) => ({
  type: 'stat',
  title,
  unit,
  queries: [[expression, '']],
  width: 4,
  height: 4,
  ...more,
});
/** Red unless it is 0. */
const ZERO = {
  steps: [
    ['green', null],
    ['red', 1],
  ],
};
/** Red if it is 0. */
const ONE = {
  steps: [
    ['red', null],
    ['green', 1],
  ],
};
const EXEMPLARS = { exemplars: true, description: 'A point is a traced call: click it to see where it waited.' };

const DASHBOARDS = {
  drop: {
    title: 'Coupons: the drop',
    campaigns: true,
    panels: [
      stat(
        'Left',
        'short',
        `sum(max by (campaign) (coupon_campaign_coupons${CAMPAIGN}) - max by (campaign) (coupon_campaign_claimed${CAMPAIGN}))`,
      ),
      stat('Claimed', 'short', `sum(max by (campaign) (coupon_campaign_claimed${CAMPAIGN}))`),
      stat('Issued', 'short', `sum(max by (campaign) (coupon_campaign_issued${CAMPAIGN}))`),
      stat('Pending', 'short', `sum(max by (campaign) (coupon_pending${CAMPAIGN}))`),
      stat('Drift', 'short', `max(abs(coupon_drift${CAMPAIGN}))`, ZERO),
      stat('Gate closed', 'short', 'min(coupon_gate_fenced)', ZERO),
      graph('Claims by outcome', 'reqps', [perSecond('coupon_claims_total', 'outcome', CAMPAIGN)]),
      graph('Time of a claim', 's', p50and99('coupon_http_request_duration_seconds', CLAIM), EXEMPLARS),
      graph('Refused before the gate', 'reqps', [perSecond('coupon_refused_early_total', 'reason')]),
      graph('From the claim to the coupon', 's', p50and99('coupon_accept_to_row_seconds')),
      graph('From the gate’s yes to being durable', 's', p50and99('coupon_publish_duration_seconds')),
      graph('Oldest pending claim', 's', [
        [`max by (campaign) (coupon_pending_oldest_seconds${CAMPAIGN})`, '{{campaign}}'],
      ]),
      graph('Coupons issued', 'cps', [perSecond('coupon_consumed_total', 'outcome')]),
      graph('Events that wait for the consumer', 'short', [
        ['sum(max by (partition) (coupon_consumer_lag))', 'all partitions'],
      ]),
      graph('Failed events', 'short', [['max by (status) (coupon_failed_events)', '{{status}}']]),
      {
        type: 'table',
        title: 'Campaigns',
        unit: 'short',
        width: 24,
        queries: [
          [
            `max by (campaign) (coupon_campaign_coupons${CAMPAIGN} - coupon_campaign_claimed${CAMPAIGN}) * on (campaign) group_left (name) max by (campaign, name) (coupon_campaign_info)`,
            'left',
          ],
        ],
      },
    ],
  },
  service: {
    title: 'Coupons: the service',
    panels: [
      stat('api', 'short', 'max(coupon_role_ready{role="api"})', ONE),
      stat('consumer', 'short', 'max(coupon_role_ready{role="consumer"})', ONE),
      stat('retry', 'short', 'max(coupon_role_ready{role="retry"})', ONE),
      stat('Epoch of the gate', 'none', 'max(coupon_gate_epoch)'),
      stat('Dead failed events', 'short', 'max(coupon_failed_events{status="DEAD"})', ZERO),
      stat('Foreign partitions', 'short', 'sum(coupon_foreign_partitions)', ZERO),
      stat('Unsigned events are accepted', 'short', 'max(coupon_unsigned_accepted)', ZERO),
      graph('Calls by route', 'reqps', [perSecond('coupon_http_request_duration_seconds_count', 'route')]),
      graph('Answers by status', 'reqps', [perSecond('coupon_http_request_duration_seconds_count', 'status')]),
      graph(
        'p99 by route',
        's',
        [
          [
            'histogram_quantile(0.99, sum by (le, route) (rate(coupon_http_request_duration_seconds_bucket[$__rate_interval])))',
            '{{route}}',
          ],
        ],
        EXEMPLARS,
      ),
      graph('Connections', 'short', [
        ['coupon_http_connections', '{{instance}}'],
        ['coupon_http_connections_max', '{{instance}} at most'],
      ]),
      graph('Connections closed early', 'cps', [perSecond('coupon_http_connections_shed_total', 'reason')]),
      graph('Requests that are no HTTP', 'reqps', [perSecond('coupon_http_unparsed_total', 'status')]),
      graph('Admin calls refused', 'reqps', [perSecond('coupon_admin_refusals_total', 'reason')]),
      graph('Entries', 'reqps', [perSecond('coupon_entries_total', 'outcome')]),
      graph('Refusals not kept for support', 'reqps', [
        ['sum(rate(coupon_refusals_shed_total[$__rate_interval]))', 'shed'],
      ]),
      graph('Watchers', 'short', [['sum by (kind) (coupon_live_watchers)', '{{kind}}']]),
      graph('Watchers refused and dropped', 'cps', [
        ['sum(rate(coupon_live_refused_total[$__rate_interval]))', 'refused'],
        ['sum(rate(coupon_live_dropped_total[$__rate_interval]))', 'dropped'],
      ]),
      graph('Time of a transaction', 's', p50and99('coupon_persist_duration_seconds')),
      graph('Signatures', 'cps', [
        ['sum(rate(coupon_bad_signatures_total[$__rate_interval]))', 'bad'],
        ['sum(rate(coupon_unsigned_events_total[$__rate_interval]))', 'unsigned'],
      ]),
      graph('Drift by campaign', 'short', [['max by (campaign) (coupon_drift)', '{{campaign}}']]),
      graph('Age of the drift', 's', [['min by (campaign) (coupon_drift_age_seconds)', '{{campaign}}']]),
      graph('Campaigns without metrics', 'short', [['max(coupon_campaigns_unlabelled)', 'campaigns']]),
      {
        type: 'table',
        title: 'Versions',
        unit: 'short',
        width: 24,
        queries: [['count by (version, node, profile) (coupon_build_info)', 'processes']],
      },
    ],
  },
  servers: {
    title: 'Coupons: servers and processes',
    panels: [
      graph('Servers that can be used', 'short', [['min by (dependency) (coupon_dependency_up)', '{{dependency}}']], {
        width: 12,
      }),
      graph('Processes that answer', 'short', [[`up${JOB}`, '{{instance}}']], { width: 12 }),
      graph('Events that wait, by partition', 'short', [['max by (partition) (coupon_consumer_lag)', '{{partition}}']]),
      graph('Script of the gate is ours', 'short', [
        ['min by (instance) (coupon_gate_script_current)', '{{instance}}'],
      ]),
      graph('Free disk', 'bytes', [['min by (instance) (coupon_disk_free_bytes)', '{{instance}}']]),
      graph('Processor', 'percentunit', [[`rate(process_cpu_seconds_total${JOB}[$__rate_interval])`, '{{instance}}']]),
      graph('Memory', 'bytes', [[`process_resident_memory_bytes${JOB}`, '{{instance}}']]),
      graph('Heap in use', 'bytes', [[`nodejs_heap_size_used_bytes${JOB}`, '{{instance}}']]),
      graph('Event loop, p99 of its delay', 's', [[`nodejs_eventloop_lag_p99_seconds${JOB}`, '{{instance}}']]),
      graph('Time in garbage collection', 'percentunit', [
        [
          `sum by (instance, kind) (rate(nodejs_gc_duration_seconds_sum${JOB}[$__rate_interval]))`,
          '{{instance}} {{kind}}',
        ],
      ]),
      graph('Open files', 'short', [
        [`process_open_fds${JOB}`, '{{instance}}'],
        [`process_max_fds${JOB}`, '{{instance}} at most'],
      ]),
    ],
  },
};

const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' };

function panelOf({ type, title, unit, queries, description, steps, exemplars }, id, gridPos) {
  const thresholds =
    steps === undefined
      ? {}
      : {
          color: { mode: 'thresholds' },
          thresholds: { mode: 'absolute', steps: steps.map(([color, value]) => ({ color, value })) },
        };
  const isTable = type === 'table';
  return {
    id,
    type,
    title,
    ...(description === undefined ? {} : { description }),
    datasource: PROMETHEUS,
    gridPos,
    fieldConfig: { defaults: { unit, min: type === 'timeseries' ? 0 : undefined, ...thresholds }, overrides: [] },
    options:
      type === 'timeseries'
        ? {
            legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
            tooltip: { mode: 'multi' },
          }
        : {},
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: PROMETHEUS,
      expr,
      legendFormat,
      ...(exemplars === true ? { exemplar: true } : {}),
      ...(isTable ? { format: 'table', instant: true } : {}),
    })),
  };
}

/** Left to right, and down when a row is full. */
function laidOut(panels) {
  let [x, y, row] = [0, 0, 0];
  return panels.map((panel, index) => {
    const { width, height = HEIGHT } = panel;
    if (x + width > COLUMNS) [x, y, row] = [0, y + row, 0];
    const gridPos = { x, y, w: width, h: height };
    x += width;
    row = Math.max(row, height);
    return panelOf(panel, index + 1, gridPos);
  });
}

const CAMPAIGN_VARIABLE = {
  name: 'campaign',
  label: 'Campaign',
  type: 'query',
  datasource: PROMETHEUS,
  query: { query: 'label_values(coupon_campaign_coupons, campaign)', refId: 'campaign' },
  definition: 'label_values(coupon_campaign_coupons, campaign)',
  refresh: 2,
  sort: 2,
  multi: true,
  includeAll: true,
  allValue: '.*',
};

/** The text of each file, by its name. */
export const FILES = Object.fromEntries(
  Object.entries(DASHBOARDS).map(([name, { title, panels, campaigns = false }]) => [
    `${name}.json`,
    `${JSON.stringify(
      {
        uid: `coupon-${name}`,
        title,
        tags: ['coupon'],
        schemaVersion: 41,
        editable: false,
        refresh: '5s',
        time: { from: 'now-15m', to: 'now' },
        timezone: 'browser',
        templating: { list: campaigns ? [CAMPAIGN_VARIABLE] : [] },
        annotations: { list: [] },
        links: [{ type: 'dashboards', title: 'Coupons', tags: ['coupon'], asDropdown: false, keepTime: true }],
        panels: laidOut(panels),
      },
      null,
      2,
    )}\n`,
  ]),
);

if (process.argv[1] === import.meta.filename) {
  const folder = new URL('dashboards/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(new URL(name, folder), text);
}
