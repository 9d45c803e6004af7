import { locale } from '../../shared/language.ts';

/** 1.2K: for an axis. */
export function compact(value: number): string {
  return new Intl.NumberFormat(locale.value, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** 1,234.5: with the tenths that the API gives. – where it is not known. */
export function precise(value: number | null): string {
  if (value === null) return '–';
  return new Intl.NumberFormat(locale.value, { maximumFractionDigits: 1 }).format(value);
}

/** A rate or a duration as it is read at a glance: tenths below 100 only. */
export function glance(value: number | null): string | null {
  if (value === null) return null;
  return new Intl.NumberFormat(locale.value, { maximumFractionDigits: value < 100 ? 1 : 0 }).format(value);
}
