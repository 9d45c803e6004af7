import { type ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';
import { Chart } from './Chart.tsx';
import { ChartTable } from './ChartTable.tsx';
import { Figures } from './Figures.tsx';
import { LinkBadge, LinkNotices } from './LinkState.tsx';
import './live.css';
import { LiveWatch } from './live-watch.ts';
import { Processes } from './Processes.tsx';
import { Refusals } from './Refusals.tsx';
import { CHARTS } from './series.ts';
import { SpanChoice, spanOf } from './SpanChoice.tsx';

const TITLE: Text = { ko: '실시간 현황', en: 'Now' };

/** A campaign while it runs. @param children what stands beside the refusals. */
export function Live({ campaignId, children }: { readonly campaignId: string; readonly children: ComponentChildren }) {
  const watch = useMemo(() => new LiveWatch(campaignId), [campaignId]);
  useEffect(() => watch.start(), [watch]);
  const link = watch.link.value;
  const last = watch.last.value;
  const samples = watch.samples.value;
  const isStale = link.kind !== 'live';
  const soldOutAt = last?.soldOutAt ?? null;
  const chosen = useSignal<number | null>(null);
  const spanMs = chosen.value ?? spanOf(samples);
  return (
    <>
      <section aria-labelledby="now" class="stack">
        <h2 id="now" class="live-head">
          {text(TITLE)} <LinkBadge link={link} last={last} />
        </h2>
        <LinkNotices link={link} last={last} />
        <Figures campaignId={campaignId} sample={last} isStale={isStale} />
        <div class="panel charts">
          <SpanChoice chosen={chosen} />
          {CHARTS.map((chart) => (
            <Chart
              key={chart.key}
              of={chart}
              samples={samples}
              soldOutAt={soldOutAt === null ? null : Date.parse(soldOutAt)}
              isStale={isStale}
              spanMs={spanMs}
            />
          ))}
          <ChartTable samples={samples} />
        </div>
      </section>
      <Refusals sample={last} isStale={isStale} />
      {children}
      <Processes sample={last} isStale={isStale} />
    </>
  );
}
