/** The languages of the service's texts. Korean is the default. */
export type Language = 'ko' | 'en';

/** One text in every language, so that a missing translation is a type error. */
export type LocalizedText = Readonly<Record<Language, string>>;

/** The 202's `message`. */
export const CLAIM_ACCEPTED: LocalizedText = {
  ko: '쿠폰 발급 신청이 완료되었습니다.',
  en: 'Your coupon request has been accepted.',
};

// Browsers send a few hundred different headers at most. A caller that invents new ones only empties this cache.
const CACHE_LIMIT = 256;
const CACHEABLE_LENGTH = 128;
const cache = new Map<string, Language>();

/**
 * The answer's language by RFC 9110 §12.5.4: English only if its weight is above Korean's. A regional tag (`en-GB`)
 * counts as its language, `*` stands for every language that is not named, and q=0 excludes a language. A missing
 * header, a malformed header and a tie mean Korean.
 *
 * Not the package negotiator: there, a tie goes to the language that is named first, and `en;q=2` means English.
 *
 * @param header the raw Accept-Language value.
 */
export function languageOf(header: string | undefined): Language {
  if (header === undefined) return 'ko';

  const known = cache.get(header);
  if (known !== undefined) return known;

  const language = negotiate(header);
  if (header.length <= CACHEABLE_LENGTH) {
    if (cache.size >= CACHE_LIMIT) cache.clear();

    cache.set(header, language);
  }
  return language;
}

const RANGE = /^(?<tag>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(?<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

function negotiate(header: string): Language {
  const weights = new Map<string, number>();
  for (const element of header.split(',')) {
    const text = element.trim();
    if (text === '') continue;

    const range = RANGE.exec(text)?.groups;
    if (range === undefined) return 'ko';

    const language = range['tag']!.toLowerCase().split('-', 1)[0]!;
    weights.set(language, Math.max(weights.get(language) ?? 0, Number(range['q'] ?? 1)));
  }
  const others = weights.get('*') ?? 0;
  return (weights.get('en') ?? others) > (weights.get('ko') ?? others) ? 'en' : 'ko';
}
