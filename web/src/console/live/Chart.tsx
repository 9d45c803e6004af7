import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { locale, type Text, text } from '../../shared/language.ts';
import './live.css';
import { compact, precise } from './numbers.ts';
import { columnsOf, type LiveSample } from './samples.ts';
import { type ChartOf, type Series } from './series.ts';

const HEIGHT = 170;
const MARK: Text = { ko: '소진', en: 'sold out' };
const CHART: Text = {
  ko: '{title} 차트, 단위 {unit}. 아래 표에 같은 숫자가 있습니다.',
  en: 'Chart: {title}, {unit}. The table below has the same numbers.',
};

interface ChartProps {
  readonly of: ChartOf;
  readonly samples: readonly LiveSample[];
  /** ms since the Unix epoch: a line across the chart. */
  readonly soldOutAt: number | null;
  readonly isStale: boolean;
  /** How far back it goes, ms. */
  readonly spanMs: number;
}

/** Lines of the last minutes, with axes and units. The pointer reads all charts of the page at one instant. */
export function Chart({ of, samples, soldOutAt, isStale, spanMs }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const mark = useRef(soldOutAt);
  const pointed = useSignal<number | null>(null);
  const theme = useTheme();
  const data = columnsOf(
    samples,
    of.series.map(({ value }) => value),
  ) as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  mark.current = soldOutAt;
  const span = useRef(spanMs);
  span.current = spanMs;
  useEffect(() => {
    const { current: at } = place;
    if (at === null) return undefined;
    const made = new uPlot(
      optionsOf(of, at, mark, span, (index) => (pointed.value = index)),
      latest.current,
      at,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    sizes.observe(at);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [of, theme, locale.value]);
  useEffect(() => plot.current?.setData(data), [samples, soldOutAt, spanMs]);
  const index = pointed.value ?? data[0].length - 1;
  return (
    <figure class={isStale ? 'chart stale' : 'chart'}>
      <figcaption>
        <strong>{text(of.title)}</strong> <span class="muted">{text(of.unit)}</span>
        <ul class="legend" aria-hidden="true">
          {of.series.map((series, line) => (
            <li key={series.key}>
              <Stroke series={series} />
              {text(series.name)} <span class="number legend-value">{precise(data[line + 1]?.[index] ?? null)}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} role="img" aria-label={text(CHART, { title: text(of.title), unit: text(of.unit) })} />
    </figure>
  );
}

/** The stroke of a line as the chart draws it. */
function Stroke({ series: { colour, dash } }: { readonly series: Series }) {
  return (
    <svg width="22" height="8" viewBox="0 0 22 8">
      <line
        x1="0"
        y1="4"
        x2="22"
        y2="4"
        stroke={`var(${colour})`}
        stroke-width="2"
        stroke-dasharray={dash?.join(' ')}
      />
    </svg>
  );
}

/** Changes when the device changes between light and dark: a canvas has to be drawn again. */
function useTheme(): boolean {
  const isDark = useSignal(matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const changed = (): void => {
      isDark.value = query.matches;
    };
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  return isDark.value;
}

function optionsOf(
  { series }: ChartOf,
  at: HTMLElement,
  mark: { readonly current: number | null },
  span: { readonly current: number },
  point: (index: number | null) => void,
): uPlot.Options {
  const colour = colourReader(at);
  const font = `12px ${getComputedStyle(at).fontFamily}`;
  const axis = {
    stroke: colour('--muted'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const time = new Intl.DateTimeFormat(locale.value, { timeStyle: 'short', hourCycle: 'h23' });
  const exactTime = new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium', hourCycle: 'h23' });
  return {
    width: at.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [14, 30, 0, 0],
    cursor: { sync: { key: 'live' }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      // A whole span always: a chart that grows with each sample would move under the eye.
      x: {
        time: true,
        range: (_, __, max) => {
          const end = max ?? Date.now() / 1_000;
          return [end - span.current / 1_000, end];
        },
      },
      y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.08)] },
    },
    axes: [
      {
        ...axis,
        space: 80,
        size: 28,
        values: (_, splits, __, ___, step) =>
          splits.map((second) => (step < 60 ? exactTime : time).format(second * 1_000)),
      },
      { ...axis, size: 56, space: 34, values: (_, splits) => splits.map(compact) },
    ],
    series: [
      {},
      ...series.map(({ colour: name, dash }) => ({
        stroke: colour(name),
        width: 1.75,
        points: { show: false },
        ...(dash === undefined ? {} : { dash: [...dash] }),
      })),
    ],
    hooks: {
      setCursor: [({ cursor: { idx } }) => point(idx ?? null)],
      draw: [(plot) => drawMark(plot, mark.current, colour('--bad'), font)],
    },
  };
}

/** A line across the chart at the instant when the last coupon was issued. */
function drawMark(plot: uPlot, at: number | null, colour: string, font: string): void {
  const { min, max } = plot.scales['x'] ?? {};
  if (at === null || typeof min !== 'number' || typeof max !== 'number' || at / 1_000 < min || at / 1_000 > max) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(at / 1_000, 'x', true));
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = font.replace('12px', `${12 * devicePixelRatio}px`);
  ctx.textBaseline = 'top';
  const isLeft = x < bbox.left + bbox.width / 2;
  ctx.textAlign = isLeft ? 'left' : 'right';
  ctx.fillText(text(MARK), x + (isLeft ? 5 : -5) * devicePixelRatio, bbox.top);
  ctx.restore();
}

/** A canvas takes no custom properties: their colours are asked of an element that has them. */
function colourReader(at: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    at.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
