import { TEXTS } from './certificate/texts.js';
import { duration } from './progress.js';
import { type Report, type Times } from './report.js';

const WORDS = { kept: 'kept', broken: 'BROKEN', 'not-judged': 'not judged' } as const;

/** What the operator reads at the end, without opening the certificate. */
export function summary({ brokenOff, verdict, promises, examples, figures, campaign }: Report): string {
  const { promiseNames, unjudged } = TEXTS.en;
  return [
    ...(brokenOff === null ? [] : [brokenOff.note]),
    `${''.padEnd(12)}${''.padEnd(54)}broken of looked at`,
    ...promises.map(({ id, state, checked, broken, because }) => {
      const numbers = `${broken.toLocaleString('en')} of ${checked.toLocaleString('en')}`;
      const why = because === undefined ? '' : ` (${unjudged[because]})`;
      return `${WORDS[state].padEnd(10)}  ${promiseNames[id].padEnd(52)}  ${state === 'not-judged' ? why.trim() : numbers}`;
    }),
    ...examples.map((example) => `  ${example}`),
    '',
    `${figures.coupons.toLocaleString('en')} of ${campaign.total.toLocaleString('en')} coupons, ${figures.users.toLocaleString('en')} users, ` +
      `${figures.calls.toLocaleString('en')} calls in ${figures.seconds.toFixed(1)} s, at most ${figures.mostAnswersPerSecond.toLocaleString('en')} answers/s`,
    `answers ${timesIn(figures.answerTimes)}`,
    `coupons ${timesIn(figures.rowTimes)} after the claim`,
    '',
    verdict === 'broken'
      ? 'A PROMISE WAS BROKEN'
      : brokenOff === null
        ? 'every promise was kept'
        : 'no promise was broken until then',
  ].join('\n');
}

function timesIn({ p50, p99, max }: Times): string {
  if (p50 === null || p99 === null || max === null) return 'none';
  return `p50 ${duration(p50)}, p99 ${duration(p99)}, slowest ${duration(max)}`;
}
