/**
 * Characters that a line may never hold. Control characters forge log lines. Line separators and lone surrogates break
 * programs that print or store a text. Bidirectional controls make a text look like another one (Trojan Source).
 * Interlinear annotations hide text. Noncharacters are not text.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\p{Noncharacter_Code_Point}]/u;

/** Unicode's own list of invisible characters: zero-width characters, fillers, tags, variation selectors, joiners. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;

/** Scripts whose words are written with joiners. */
const JOINED_SCRIPTS = [
  'Arabic',
  'Syriac',
  'Mandaic',
  'Nko',
  'Adlam',
  'Mongolian',
  'Phags_Pa',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Oriya',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Tibetan',
  'Myanmar',
  'Khmer',
].map((script) => `\\p{Script_Extensions=${script}}`);

/**
 * Invisible characters in places where they change what is shown. Anywhere else, they only make two texts differ
 * without being seen.
 */
const WORKING = new RegExp(
  [
    // 👩‍👧 and 🏳️‍🌈: several pictures joined to one.
    '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f\\u{e007f}])\\u200d(?=\\p{Extended_Pictographic})',
    // Persian, Sinhala and others: they say how the letter before is joined.
    `(?<=[${JOINED_SCRIPTS.join('')}])[\\u200c\\u200d]`,
    // ❤️ and 1️⃣: they show a symbol as a picture or as text. One selector for a symbol: a row of them could hide a
    // message.
    '(?<=[\\p{Extended_Pictographic}\\p{Regional_Indicator}\\p{So}\\p{Sm}])[\\ufe0e\\ufe0f]',
    '(?<=[0-9#*])\\ufe0f(?=\\u20e3)',
    // Variants of ideographs, which names of people and places need.
    '(?<=\\p{Script=Han})[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]',
    '(?<=\\p{Script=Myanmar})\\ufe00',
    '(?<=\\p{Script=Phags_Pa})\\ufe00',
    '(?<=\\p{Script=Mongolian})[\\u180b-\\u180f]',
    // 🏴󠁧󠁢󠁥󠁮󠁧󠁿: the flag of a region. Its code of up to six letters and digits is written in tags.
    '(?<=\\u{1f3f4})[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{3,6}\\u{e007f}',
  ].join('|'),
  'gu',
);

/**
 * A character that people can see: a letter, number, sign or picture. Blanks do not count, nor marks without a letter,
 * nor two signs that are drawn as nothing (a Braille cell without dots, a note without a head).
 */
const VISIBLE = /(?![\u2800\u{1d159}])[\p{L}\p{N}\p{P}\p{S}\p{Extended_Pictographic}]/u;

/**
 * True if people can read a text of one line and tell it from every other text: at least one character is visible, and
 * none is hidden. Emoji and scripts may hold the invisible characters that they need.
 */
export function isVisibleLine(text: string): boolean {
  return VISIBLE.test(text) && !UNPRINTABLE.test(text) && !INVISIBLE.test(text.replace(WORKING, ''));
}

const NEVER =
  '\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufeff\\uffa0';

/**
 * The part of {@link isVisibleLine} that a regular expression of any language can check, for the API document. It
 * refuses no more.
 */
export const VISIBLE_LINE_PATTERN = `^[^${NEVER}]*[^${NEVER}\\s][^${NEVER}]*$`;
