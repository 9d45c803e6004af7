/** The strength of 16 random hexadecimal digits. A token from `openssl rand -hex 24` has three times as many bits. */
const ENOUGH_BITS = 64;

/** Words that people write where a secret belongs. Longer words come first, because the first match is used. */
const WORDS = [
  'administrator',
  'placeholder',
  'production',
  'changethis',
  'development',
  'qwertyuiop',
  'asdfghjkl',
  'changeit',
  'changeme',
  'password',
  'sunshine',
  'iloveyou',
  'zxcvbnm',
  'default',
  'example',
  'letmein',
  'replace',
  'service',
  'staging',
  'welcome',
  'abc123',
  'bearer',
  'change',
  'coupon',
  'dragon',
  'insert',
  'master',
  'monkey',
  'passwd',
  'please',
  'qwerty',
  'sample',
  'secret',
  'system',
  'admin',
  'hello',
  'local',
  'login',
  'token',
  'value',
  'world',
  'demo',
  'here',
  'pass',
  'root',
  'test',
  'this',
  'todo',
  'user',
  'with',
  'your',
  'foo',
  'bar',
  'key',
  'the',
  'me',
  'my',
].sort((a, b) => b.length - a.length);

const LETTERS_OF_DIGITS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/**
 * True if a token can be guessed although it is long. A repetition of earlier text, a run such as `abcd` or `4321`, and
 * a word of the list each count as one character. The strength is the number of these characters times the bits of
 * their variety.
 */
export function isWeakToken(token: string): boolean {
  const units = unitsOf(token.toLowerCase());
  return units.length * Math.log2(new Set(units).size) < ENOUGH_BITS;
}

function unitsOf(text: string): string[] {
  const plain = text.replace(/[013457@$!]/g, (character) => LETTERS_OF_DIGITS[character] ?? character);
  const units: string[] = [];
  for (let at = 0; at < text.length;) {
    const word = WORDS.find((candidate) => plain.startsWith(candidate, at) || text.startsWith(candidate, at));
    const length = Math.max(repeatedAt(text, at), runAt(text, at), word?.length ?? 1);
    units.push(text.slice(at, at + length));
    at += length;
  }
  return units;
}

/** @returns how many characters from `at` on repeat a text that begins before `at`; 1 if fewer than three do. */
function repeatedAt(text: string, at: number): number {
  let longest = 1;
  for (let from = 0; from < at; from++) {
    let length = 0;
    while (at + length < text.length && text[from + length] === text[at + length]) length++;
    if (length >= 3) longest = Math.max(longest, length);
  }
  return longest;
}

/** @returns how many characters from `at` on form a run such as `aaa`, `abc` or `321`; 1 if fewer than three do. */
function runAt(text: string, at: number): number {
  const step = text.charCodeAt(at + 1) - text.charCodeAt(at);
  if (!(Math.abs(step) <= 1)) return 1;
  let length = 2;
  while (text.charCodeAt(at + length) - text.charCodeAt(at + length - 1) === step) length++;
  return length >= 3 ? length : 1;
}
