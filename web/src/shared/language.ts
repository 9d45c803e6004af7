import { computed, signal } from '@preact/signals';

export type Language = 'ko' | 'en';

/** A text of a page. Both languages are required, so none can be forgotten. */
export type Text = Readonly<Record<Language, string>>;

const STORED = 'coupon.language';

/** The choice of the person, or else what the browser prefers: Korean, unless English comes first. */
export const language = signal<Language>(stored() ?? preferred());

/** The locale for numbers and instants. */
export const locale = computed(() => (language.value === 'ko' ? 'ko-KR' : 'en-US'));

export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // A browser may forbid it. Then the choice holds until the page is left.
  }
}

/** `text({ ko: '{n}개', en: '{n} left' }, { n: 5 })`: the text in the page's language, with its parts filled in. */
export function text(of: Text, parts: Readonly<Record<string, string | number>> = {}): string {
  return of[language.value].replace(/\{(\w+)\}/g, (whole, name: string) => String(parts[name] ?? whole));
}

/** 12,345 */
export function number(value: number): string {
  return new Intl.NumberFormat(locale.value).format(value);
}

/** An instant in the person's own time zone, to the second. @param instant ISO 8601, or ms since the Unix epoch. */
export function instant(instant: string | number): string {
  return new Intl.DateTimeFormat(locale.value, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(instant));
}

function stored(): Language | null {
  try {
    const found = localStorage.getItem(STORED);
    return found === 'ko' || found === 'en' ? found : null;
  } catch {
    return null;
  }
}

function preferred(): Language {
  const first = navigator.languages.find((tag) => /^(ko|en)\b/i.test(tag));
  return first?.toLowerCase().startsWith('en') === true ? 'en' : 'ko';
}
