import { type LocalizedText } from './accept-language.js';

/** What a refusal says, whatever its occasion. */
export interface ProblemKind {
  readonly status: number;
  readonly title: LocalizedText;
  readonly detail: LocalizedText;
  /** Seconds that a caller should wait. */
  readonly retryAfter?: number;
}

/** @param retryAfter seconds. */
export const kind = (
  status: number,
  title: readonly [ko: string, en: string],
  detail: readonly [ko: string, en: string],
  retryAfter?: number,
): ProblemKind => ({
  status,
  title: { ko: title[0], en: title[1] },
  detail: { ko: detail[0], en: detail[1] },
  ...(retryAfter === undefined ? {} : { retryAfter }),
});
