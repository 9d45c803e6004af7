import { type PromiseResult } from '../promises.js';
import { type Report, type TimelineRow, type Times } from '../report.js';
import { type Chart, svgOf } from './chart.js';
import { STYLE } from './style.js';
import { type Language, TEXTS, type Texts } from './texts.js';

/** A shorter time without a yes or a no is not told under the verdict, s. */
const SHORTEST_OUTAGE_S = 1;

/** The certificate as one page that loads nothing. */
export function certificatePage(report: Report, language: Language): string {
  const texts = TEXTS[language];
  const brokenOff =
    report.brokenOff === null
      ? null
      : texts.brokenOff[report.brokenOff.during](report.brokenOff.afterSeconds.toFixed(1));
  const kept = brokenOff === null ? texts.kept : texts.keptSoFar;
  const verdict = report.verdict === 'kept' ? kept : texts.broken;
  return [
    // The first line says it, too, to who reads the file and not the page.
    `<!doctype html>${brokenOff === null ? '' : `<!-- ${comment(brokenOff)} -->`}`,
    `<html lang="${language}">`,
    '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escape(`${brokenOff === null ? '' : `${brokenOff} `}${texts.title}: ${verdict}`)}</title>`,
    `<style>${STYLE}</style></head>`,
    '<body>',
    brokenOff === null ? '' : `<p class="broken-off">${escape(brokenOff)}</p>`,
    `<h1>${escape(texts.title)} · ${escape(report.campaign.name)}</h1>`,
    `<p class="verdict ${report.verdict}">${report.verdict === 'kept' ? '✓' : '✗'} ${escape(verdict)}</p>`,
    `<p class="lead">${escape(leadOf(report, texts))}</p>`,
    promisesOf(report, texts),
    chartsOf(report, texts),
    figuresOf(report, texts),
    conditionsOf(report, texts),
    '</body></html>',
    '',
  ].join('\n');
}

function leadOf({ figures, campaign }: Report, texts: Texts): string {
  const { longestSeconds, users } = figures.unanswered;
  return [
    texts.verdictLine(number(figures.users), number(figures.coupons), number(campaign.total)),
    ...(longestSeconds < SHORTEST_OUTAGE_S ? [] : [texts.noAnswerFor(longestSeconds.toFixed(0))]),
    ...(users === 0 ? [] : [texts.leftWithout(number(users))]),
  ].join(' ');
}

function promisesOf({ promises, examples }: Report, texts: Texts): string {
  const rows = promises.map((one) => [
    rowHead(texts.promiseNames[one.id]),
    cell(number(one.checked), 'n'),
    cell(number(one.broken), 'n'),
    cell(resultOf(one, texts), one.state),
  ]);
  const found =
    examples.length === 0
      ? ''
      : `<h3>${escape(texts.examples)}</h3><div class="found">${examples.map(escape).join('<br>')}</div>`;
  return section(
    texts.promises,
    table([texts.promise, [texts.checked], [texts.brokenCount], texts.result], rows) + found,
  );
}

function resultOf({ state, because }: PromiseResult, texts: Texts): string {
  if (state === 'kept') return `✓ ${texts.keptShort}`;
  if (state === 'broken') return `✗ ${texts.brokenShort}`;
  return `– ${texts.notJudged}${because === undefined ? '' : `: ${texts.unjudged[because]}`}`;
}

function chartsOf(report: Report, texts: Texts): string {
  const { rows, spanSeconds } = report.timeline;
  const { charts } = texts;
  const marks = report.marks.map(({ deed, target, from, to }) => ({
    what: texts.deeds[deed](target),
    from: from / 1_000,
    to: to / 1_000,
  }));
  const perSecond = (of: (row: TimelineRow) => number) => rows.map((row) => round(of(row) / spanSeconds));
  const common = { xAxis: charts.time, moments: rows.map(({ second }) => second), marks };
  const rate: Chart = {
    ...common,
    title: charts.rate,
    yAxis: charts.rateAxis,
    series: [
      { name: charts.due, style: 'd', values: perSecond(({ due }) => due) },
      { name: charts.accepted, style: 'b', values: perSecond(({ accepted }) => accepted) },
      { name: charts.refused, style: 'a', values: perSecond(({ refused }) => refused) },
      { name: charts.other, style: 'c', values: perSecond(({ other }) => other) },
    ],
  };
  const latency: Chart = {
    ...common,
    title: charts.latency,
    yAxis: charts.latencyAxis,
    logarithmic: true,
    series: [
      { name: 'p50', style: 'a', values: rows.map(({ p50 }) => p50) },
      { name: 'p90', style: 'b', values: rows.map(({ p90 }) => p90) },
      { name: 'p99', style: 'c', values: rows.map(({ p99 }) => p99) },
      { name: charts.max, style: 'd', values: rows.map(({ max }) => max) },
    ],
  };
  const stock: Chart = {
    ...common,
    title: charts.stock,
    yAxis: charts.stockAxis,
    series: [{ name: charts.remaining, style: 'a', values: rows.map(({ remaining }) => remaining) }],
  };
  const hasStock = rows.some(({ remaining }) => remaining !== null);
  return [
    figureOf(rate, texts),
    figureOf(latency, texts),
    hasStock ? figureOf(stock, texts) : `<h2>${escape(charts.stock)}</h2><p class="note">${escape(charts.noStock)}</p>`,
  ].join('\n');
}

/** A chart, and its table. */
function figureOf(chart: Chart, texts: Texts): string {
  const rows = chart.moments.map((second, at) => [
    cell(decimal(second), 'n'),
    ...chart.series.map(({ values }) => cell(values[at] === null ? '–' : decimal(values[at]!), 'n')),
  ]);
  const head = [[texts.charts.time], ...chart.series.map(({ name }) => [name])];
  return section(
    chart.title,
    `<figure>${svgOf(chart, escape)}</figure>` +
      `<details><summary>${escape(texts.charts.asTable)} (${escape(chart.yAxis)})</summary>${table(head, rows)}</details>`,
  );
}

function figuresOf({ figures, marks }: Report, texts: Texts): string {
  const { figureNames: names, timeNames } = texts;
  const { soldOutAfterSeconds: soldOut } = figures;
  const main: [string, string][] = [
    [names.users, number(figures.users)],
    [names.calls, number(figures.calls)],
    [names.afterwards, number(figures.afterwards)],
    [names.accepted, number(figures.accepted)],
    [names.coupons, number(figures.coupons)],
    [names.seconds, `${figures.seconds.toFixed(1)} s`],
    [names.most, number(figures.mostAnswersPerSecond)],
    [names.soldOutAfter, soldOut === null ? names.never : `${soldOut.toFixed(2)} s`],
  ];
  const timeRows: [string, Times][] = [
    [timeNames.answer, figures.answerTimes],
    [timeNames.own, figures.ownDelay],
    [timeNames.row, figures.rowTimes],
  ];
  const times = timeRows.map(([name, { count, p50, p90, p99, p999, max }]) => [
    rowHead(name),
    ...[count].map((value) => cell(number(value), 'n')),
    ...[p50, p90, p99, p999, max].map((value) => cell(value === null ? '–' : decimal(value), 'n')),
  ]);
  const done = marks.map(({ deed, target, from, to }) => [
    rowHead(texts.deeds[deed](target)),
    cell(`${(from / 1_000).toFixed(1)} s`, 'n'),
    cell(`${(to / 1_000).toFixed(1)} s`, 'n'),
  ]);
  return [
    section(
      texts.figures,
      table(
        [],
        main.map(([name, value]) => [rowHead(name), cell(value, 'n')]),
      ),
    ),
    section(
      texts.times,
      table(['', [texts.count], ['p50'], ['p90'], ['p99'], ['p99.9'], [texts.charts.max]], times) +
        `<p class="note">${escape(texts.timesNote)}</p>`,
    ),
    section(
      texts.answers,
      table(
        [texts.answer, [texts.count], [texts.ofTheseAfterwards]],
        Object.entries(figures.answers).map(([word, count]) => [
          rowHead(word),
          cell(number(count), 'n'),
          cell(number(figures.answersAfterwards[word] ?? 0), 'n'),
        ]),
      ),
    ),
    done.length === 0 ? '' : section(texts.marks, table([texts.what, [texts.from], [texts.to]], done)),
  ].join('\n');
}

function conditionsOf(report: Report, texts: Texts): string {
  const { conditionNames: names } = texts;
  const { service, machine, campaign } = report;
  const yesNo = (value: boolean) => (value ? texts.yes : texts.no);
  const rows: [string, string][] = [
    [names.started, report.startedAt],
    [names.command, report.command],
    [names.seed, String(report.seed)],
    [names.campaign, `${campaign.name} (${campaign.id}), ${number(campaign.total)}`],
    [names.made, yesNo(campaign.made)],
    [names.service, `${service.version}, ${service.profile}, Node ${service.node}, ${service.url}`],
    [names.rebuilt, yesNo(service.rebuilt)],
    [names.machine, `${machine.cores} × ${machine.model}, ${machine.memoryGb} GB, ${machine.system}`],
    [names.rehearsal, `Node ${machine.node}`],
    ...Object.entries(report.options).map(([name, value]): [string, string] => [`--${name}`, String(value)]),
  ];
  return section(
    texts.conditions,
    table(
      [],
      rows.map(([name, value]) => [rowHead(name), cell(value)]),
    ),
  );
}

function section(title: string, content: string): string {
  return `<h2>${escape(title)}</h2>\n${content}`;
}

/** @param head names of columns; in a list, those of numbers. */
function table(head: readonly (string | readonly string[])[], rows: readonly (readonly string[])[]): string {
  const names = head
    .map((name) => (typeof name === 'string' ? ['', name] : [' class="n"', name[0] ?? '']))
    .map(([numeric, name]) => `<th scope="col"${numeric}>${escape(name!)}</th>`)
    .join('');
  const top = head.length === 0 ? '' : `<thead><tr>${names}</tr></thead>`;
  return `<div class="scroll"><table>${top}<tbody>${rows.map((row) => `<tr>${row.join('')}</tr>`).join('\n')}</tbody></table></div>`;
}

function cell(text: string, kind = ''): string {
  return `<td${kind === '' ? '' : ` class="${kind}"`}>${escape(text)}</td>`;
}

function rowHead(text: string): string {
  return `<th scope="row">${escape(text)}</th>`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function decimal(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value >= 100 ? 0 : 2 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A comment ends with two hyphens. */
function comment(text: string): string {
  return text.replace(/-{2,}|[<>]/g, '-');
}
