/**
 * The rules of `promtool check metrics` (client_golang, `testutil/promlint`), which no registry that is reachable from here
 * offers: help, endings, units, reserved names and labels, case.
 */

const BASES: Readonly<Record<string, string>> = {
  ...every(
    'seconds',
    'minutes',
    'hours',
    'days',
    'weeks',
    'milliseconds',
    'microseconds',
    'nanoseconds',
    'minute',
    'hour',
    'day',
    'week',
  ),
  ...every('bytes', 'bits', 'kilobytes', 'megabytes', 'gigabytes', 'kibibytes', 'mebibytes', 'gibibytes', 'bit'),
  ...every('celsius', 'kelvins', 'fahrenheit', 'rankine'),
  ...every('meters', 'inches', 'yards', 'miles', 'kilometers', 'millimeters'),
  ...every('grams', 'pounds', 'ounces', 'kilograms'),
  ...every('joules', 'calories'),
};
const ABBREVIATIONS = new Set(['s', 'ms', 'us', 'ns', 'sec', 'b', 'kb', 'mb', 'gb', 'tb', 'pb', 'm', 'h', 'd']);
const TYPES = ['counter', 'gauge', 'histogram', 'summary'];

function every(base: string, ...others: readonly string[]): Record<string, string> {
  return Object.fromEntries(others.map((unit) => [unit, base]));
}

interface Family {
  type: string | undefined;
  help: string | undefined;
  readonly labels: Set<string>;
  readonly series: string[];
}

/** The labels of a sample by name. @throws where they cannot be read. */
export function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  const rest = text.replace(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\n"])*)",?/g, (_all, name: string, value: string) => {
    labels[name] = value;
    return '';
  });
  if (rest !== '') throw new Error(`labels that cannot be read: ${text}`);
  return labels;
}

/** The metrics of a scrape in the text format, by the name in their TYPE. */
export function familiesIn(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    let family = families.get(name);
    if (family === undefined) {
      families.set(name, (family = { type: undefined, help: undefined, labels: new Set(), series: [] }));
    }
    return family;
  };
  for (const line of text.split('\n')) {
    const [, what, name = '', said = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
    if (what === 'HELP') familyOf(name).help = said;
    if (what === 'TYPE') familyOf(name).type = said;
    if (line === '' || line.startsWith('#')) continue;
    const [, sample = '', , labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!/^(?:[-+]?Inf|NaN|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/.test(value)) throw new Error(`no sample: ${line}`);
    const base = sample.replace(/_(?:bucket|sum|count)$/, '');
    const isPart = ['histogram', 'summary'].includes(families.get(base)?.type ?? '');
    const family = familyOf(isPart ? base : sample);
    for (const label of Object.keys(labelsIn(labels))) family.labels.add(label);
    family.series.push(`${sample}{${labels}}`);
  }
  return families;
}

/** What promtool would complain about. */
export function lint(text: string): string[] {
  return [...familiesIn(text)].flatMap(([name, family]) => faultsOf(name, family).map((fault) => `${name}: ${fault}`));
}

function faultsOf(name: string, { type, help, labels, series }: Family): string[] {
  const words = name.split('_');
  const isDistribution = type === 'histogram' || type === 'summary';
  const faults: (string | false)[] = [
    (help ?? '') === '' && 'no help text',
    type === undefined && 'no type',
    type === 'counter' && !name.endsWith('_total') && 'counter metrics should have "_total" suffix',
    type !== 'counter' && name.endsWith('_total') && 'non-counter metrics should not have "_total" suffix',
    !isDistribution && /_(?:bucket|count|sum)$/.test(name) && 'an ending that only distributions have',
    type !== 'histogram' && labels.has('le') && 'a label that only histograms have',
    type !== 'summary' && labels.has('quantile') && 'a label that only summaries have',
    TYPES.some((word) => words.slice(1).includes(word)) && 'its type in its name',
    name.includes(':') && 'a colon',
    [name, ...labels].some((word) => /[a-z][A-Z]/.test(word)) && 'camelCase',
    words.slice(1).some((word) => ABBREVIATIONS.has(word)) && 'an abbreviated unit',
    new Set(series).size < series.length && 'a series twice',
    ...words.map((word) => BASES[word] !== undefined && `use base unit "${BASES[word]}" instead of "${word}"`),
  ];
  return faults.filter((fault) => fault !== false);
}
