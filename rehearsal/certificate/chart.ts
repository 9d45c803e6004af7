/** One line of a chart. It differs from the others by its dashes, too, and not only by its colour. */
export interface Series {
  readonly name: string;
  /** A class of the page's style sheet: colour and dashes. */
  readonly style: 'a' | 'b' | 'c' | 'd';
  /** One value for each moment; null: a gap. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  readonly xAxis: string;
  readonly yAxis: string;
  /** Seconds, in ascending order. */
  readonly moments: readonly number[];
  readonly series: readonly Series[];
  readonly logarithmic?: boolean;
  /** Spans that are marked, in seconds. */
  readonly marks?: readonly { readonly what: string; readonly from: number; readonly to: number }[];
}

const [WIDTH, HEIGHT] = [760, 300];
const EDGE = { left: 68, right: 20, top: 34, bottom: 46 };
const INNER = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
const MOST_TICKS = 6;

/** The chart as SVG, which takes its colours from the page. */
export function svgOf(chart: Chart, text: (raw: string) => string): string {
  const { moments, series, logarithmic = false, marks = [] } = chart;
  const values = series.flatMap((one) => one.values).filter((value): value is number => value !== null);
  const y = logarithmic ? logarithmicScale(values) : linearScale(values);
  const last = Math.max(...[0, moments.at(-1) ?? 0], ...marks.map(({ to }) => to), 0.1);
  const x = linearTicks(last);
  const xAt = (second: number) => EDGE.left + (Math.min(second, last) / last) * INNER.width;
  const yAt = (value: number) => EDGE.top + (1 - y.part(value)) * INNER.height;
  const bottom = EDGE.top + INNER.height;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${text(chart.title)}">`,
    ...marks.map(({ what, from, to }, at) => markOf(xAt(Math.max(0, from)), xAt(to), at, bottom, text(what))),
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${fixed(yAt(tick))}" y2="${fixed(yAt(tick))}"/>` +
        `<text x="${EDGE.left - 8}" y="${fixed(yAt(tick) + 4)}" text-anchor="end">${short(tick)}</text>`,
    ),
    ...x.map(
      (tick) =>
        `<line class="axis" x1="${fixed(xAt(tick))}" x2="${fixed(xAt(tick))}" y1="${bottom}" y2="${bottom + 5}"/>` +
        `<text x="${fixed(xAt(tick))}" y="${bottom + 19}" text-anchor="middle">${short(tick)}</text>`,
    ),
    `<line class="axis" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text x="${WIDTH - EDGE.right}" y="${HEIGHT - 8}" text-anchor="end">${text(chart.xAxis)}</text>`,
    `<text x="${EDGE.left}" y="${EDGE.top - 12}">${text(chart.yAxis)}</text>`,
    ...series.map((one) => lineOf(one, moments, xAt, yAt)),
    '</svg>',
    `<ul class="legend">${series.map(({ name, style }) => `<li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="${style}" d="M1 5H33"/></svg>${text(name)}</li>`).join('')}</ul>`,
  ].join('\n');
}

function markOf(from: number, to: number, at: number, bottom: number, what: string): string {
  const width = Math.max(2, to - from);
  // Labels of marks that lie close to each other stand below each other.
  const labelY = EDGE.top + 12 + (at % 4) * 13;
  return (
    `<rect class="mark" x="${fixed(from)}" y="${EDGE.top}" width="${fixed(width)}" height="${bottom - EDGE.top}"/>` +
    `<text class="mark-label" x="${fixed(from + 3)}" y="${labelY}">${what}</text>`
  );
}

/** A line with gaps. A moment between two gaps is a dot. */
function lineOf(
  { style, values }: Series,
  moments: readonly number[],
  xAt: (second: number) => number,
  yAt: (value: number) => number,
): string {
  let path = '';
  let dots = '';
  for (const [at, value] of values.entries()) {
    if (value === null) continue;
    const point = `${fixed(xAt(moments[at]!))} ${fixed(yAt(value))}`;
    const [before, after] = [values[at - 1] ?? null, values[at + 1] ?? null];
    path += `${before === null ? 'M' : 'L'}${point}`;
    if (before === null && after === null) {
      dots += `<circle class="${style}" cx="${fixed(xAt(moments[at]!))}" cy="${fixed(yAt(value))}" r="3"/>`;
    }
  }
  return `<path class="${style}" d="${path}"/>${dots}`;
}

interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the bottom, 1 at the top. */
  part(value: number): number;
}

function linearScale(values: readonly number[]): Scale {
  const most = largest(values);
  const ticks = linearTicks(most <= 0 ? 1 : most);
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  const top = Math.ceil((most <= 0 ? 1 : most) / step) * step;
  const all = (ticks.at(-1) ?? 0) < top ? [...ticks, top] : ticks;
  return { ticks: all, part: (value) => value / top };
}

function logarithmicScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(positive.length === 0 ? 1 : positive.reduce((a, b) => Math.min(a, b), Infinity)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1e-3, largest(positive)))));
  const ticks = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  return {
    ticks,
    part: (value) => Math.max(0, Math.log10(Math.max(value, 10 ** low)) - low) / (high - low),
  };
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** Round numbers from 0 to `most`. */
function linearTicks(most: number): number[] {
  const rough = most / MOST_TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function short(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)}M`;
  if (value >= 10_000) return `${trimmed(value / 1_000)}k`;
  return trimmed(value);
}

function trimmed(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en');
}
