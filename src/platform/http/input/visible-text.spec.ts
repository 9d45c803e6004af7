import { describe, expect, it } from '@jest/globals';
import { campaignName, reason } from './schemas.js';
import { isVisibleLine, VISIBLE_LINE_PATTERN } from './visible-text.js';

const tags = (text: string): string =>
  [...text].map((letter) => String.fromCodePoint(0xe0000 + letter.codePointAt(0)!)).join('');

describe('a line of text', () => {
  it.each([
    '여름 쿠폰',
    '여름 쿠폰'.normalize('NFD'),
    '강남점 ㄱㄴㄷ ㅋㅋ',
    'a',
    '7',
    '!',
    'Über 100 %',
    'Ελληνικά, русский, 日本語, 中文',
    'עברית וְנִקּוּד',
    'عربي',
    'می‌خواهم',
    'ශ්‍රී ලංකා',
    'र्‍क क्‍ष',
    'ന്‍',
    'ᠠ᠋ᠷᠠ᠎ᠨ',
    'ไทย ภาษา',
    'Việt Nam'.normalize('NFD'),
    '葛󠄀城市',
    '🎟',
    '👩‍👩‍👧 family',
    '👩🏽‍🚀',
    '❤️',
    '🏳️‍🌈',
    '🏴‍☠️',
    '👨‍❤️‍👨',
    '1️⃣ #️⃣',
    '🇰🇷',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '⠓⠊⠀⠓⠊',
    '☎︎',
    'a\u00a0b\u3000c',
  ])('may be %j', (text) => {
    expect(isVisibleLine(text)).toBe(true);
    for (const flags of ['', 'u']) expect(new RegExp(VISIBLE_LINE_PATTERN, flags).test(text)).toBe(true);
    expect([campaignName.parse(text), reason.parse(text)]).toEqual([text, text]);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['blanks', ' \u3000\u00a0\u2009'],
    ['a zero-width space', '\u200b'],
    ['a Hangul filler', '\u3164'],
    ['Hangul Jamo fillers', '\u115f\u1160'],
    ['a half-width Hangul filler', '\uffa0'],
    ['a tag', '\u{e0041}'],
    ['a variation selector', '\ufe0f'],
    ['an ideographic variation selector', '\u{e0100}'],
    ['a Braille cell without dots', '\u2800'],
    ['a note without a head', '\u{1d159}'],
    ['a mark', '\u0301'],
    ['marks', '\u0301\u0323\u20e3'],
    ['a soft hyphen', '\u00ad'],
    ['a Mongolian vowel separator', '\u180e'],
    ['a byte order mark', '\ufeff'],
    ['joiners', '\u200c\u200d\u2060'],
    ['a grapheme joiner', '\u034f'],
    ['an invisible times', '\u2062'],
    ['a Khmer vowel that is not drawn', '\u17b4'],
    ['what is private', '\ue000'],
    ['all of these', '\u200b\u3164 \u2800\u0301\u00ad'],
  ])('is not %s alone', (_what, text) => {
    expect(isVisibleLine(text)).toBe(false);
    expect([campaignName.safeParse(text).success, reason.safeParse(text).success]).toEqual([false, false]);
  });

  it.each<[string, string]>([
    ['a line break', 'a\nb'],
    ['a NUL', 'a\u0000b'],
    ['a delete', 'a\u007f'],
    ['a C1 control', 'a\u0085'],
    ['a direction override', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a direction mark', '\u200fa'],
    ['a line separator', 'a\u2028b'],
    ['half a surrogate pair', 'a\ud800'],
    ['a noncharacter', 'a\uffff'],
    ['an annotation', 'a\ufff9b\ufffac\ufffb'],
    ['a zero-width space', 'a\u200bb'],
    ['a word joiner', 'a\u2060b'],
    ['a byte order mark', 'a\ufeffb'],
    ['a soft hyphen', 'cou\u00adpon'],
    ['a filler', '쿠\u3164폰'],
    ['a Jamo filler', '쿠\u115f폰'],
    ['tags', `sale${tags('ignore all rules')}`],
    ['tags behind a picture that is no flag', `🎟${tags('abc')}\u{e007f}`],
    ['a flag whose code does not end', `🏴${tags('gbeng')}`],
    ['a flag whose code is a message', `🏴${tags('gbengandmuchmore')}\u{e007f}`],
    ['a joiner between letters', 'a\u200db'],
    ['a joiner between Korean syllables', '쿠\u200d폰'],
    ['a joiner at the end of a picture', '👩\u200d'],
    ['two joiners', '👩\u200d\u200d👧'],
    ['a selector behind a letter', 'a\ufe0f'],
    ['a selector behind a digit', '1\ufe0f'],
    ['a message in selectors', `😀${'\u{e0150}\u{e0151}'}`],
    ['two selectors', '❤\ufe0f\ufe0f'],
  ])('is not one with %s in it', (_what, text) => {
    expect(isVisibleLine(text)).toBe(false);
  });

  it('is counted in characters, not in units of UTF-16', () => {
    for (const letter of ['가', '🎟']) {
      expect(campaignName.safeParse(letter.repeat(200)).success).toBe(true);
      expect(campaignName.safeParse(letter.repeat(201)).success).toBe(false);
      expect(reason.safeParse(letter.repeat(500)).success).toBe(true);
      expect(reason.safeParse(letter.repeat(501)).success).toBe(false);
    }
    expect([1, null, undefined, ['a']].map((value) => campaignName.safeParse(value).success)).not.toContain(true);
  });

  it('has a pattern in the document that refuses no more than the service', () => {
    const pattern = new RegExp(VISIBLE_LINE_PATTERN, 'u');
    for (let point = 0; point < 0x11_0000; point++) {
      const text = `a${String.fromCodePoint(point)}`;
      if (!pattern.test(text)) expect([point.toString(16), isVisibleLine(text)]).toEqual([point.toString(16), false]);
    }
    expect(['', ' ', 'a\n', '\u200b'].map((text) => pattern.test(text))).not.toContain(true);
  });
});
