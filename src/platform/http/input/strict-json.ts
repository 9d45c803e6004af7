import { type InputRuleName, pointerStep } from './input-rules.js';

/** The deepest nesting that a body may have. No call needs more than two levels. */
export const MAX_DEPTH = 32;

/** Why a JSON text is refused as the body of a call. */
export interface JsonFault {
  readonly rule: InputRuleName;
  /** JSON pointer (RFC 6901) of the value or the name. */
  readonly pointer: string;
}

const NAME = '(?!__proto__"|constructor")[A-Za-z_]+';
const VALUE = '(?:"[^"\\\\]*"|0|[1-9]\\d{0,14})';

/**
 * One or two members with different names, each a text without escapes or a short integer. Nearly every claim looks
 * like this. If JSON.parse accepts such a text, it cannot hold any fault that {@link jsonFault} looks for.
 */
const PLAIN = new RegExp(`^\\{ ?"(${NAME})": ?${VALUE}(?:, ?"(?!\\1")${NAME}": ?${VALUE})? ?\\}$`);

/** True if the JSON text needs no check by {@link jsonFault}. False says nothing. */
export function isPlainJson(text: string): boolean {
  return PLAIN.test(text);
}

/**
 * Finds faults that JSON.parse hides: it keeps only the last of two members with the same name, and it rounds numbers.
 * A gateway that reads the first member, or the digits of the number, would see another user than the service.
 *
 * @param text JSON that JSON.parse accepts.
 * @returns the first fault. A number must be an integer of at most 2^53 − 1, written as an integer, because no call
 * takes any other.
 */
export function jsonFault(text: string): JsonFault | undefined {
  return firstFault(text, false);
}

/**
 * Finds where JSON.parse fails. JSON.parse itself does not say so in every version of Node.
 *
 * @returns the index of the first character that cannot be there; the text's length if the end is missing; undefined if
 * the text is JSON (RFC 8259).
 */
export function syntaxErrorIn(text: string): number | undefined {
  return firstFault(text, true)?.at;
}

function firstFault(text: string, grammarOnly: boolean): Found['fault'] | undefined {
  try {
    new Reader(text, grammarOnly).readAll();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Found) return thrown.fault;
    throw thrown;
  }
}

/** A position in a text. Line and column count from 1; a column is a character, not a byte. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Lines end as in editors: with LF, CR LF or CR. */
export function positionIn(text: string, at: number): TextPosition {
  const lines = text.slice(0, at).split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...(lines.at(-1) ?? '')].length + 1 };
}

/** Carries the first fault out of the recursion. It never leaves this file. */
class Found {
  constructor(readonly fault: JsonFault & { readonly at: number }) {}
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const BLANKS = /[ \t\n\r]*/y;
const CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /true|false|null/y;

/** Reads one text by recursive descent. {@link MAX_DEPTH} limits the depth, the caller limits the length. */
class Reader {
  private at = 0;
  private depth = 0;
  /** Names and indices from the root to the value that is being read. */
  private readonly path: (string | number)[] = [];

  constructor(
    private readonly text: string,
    private readonly grammarOnly: boolean,
  ) {}

  readAll(): void {
    this.readValue();
    this.skip(BLANKS);
    if (this.at < this.text.length) this.fail('invalid', this.at);
  }

  private readValue(): void {
    this.skip(BLANKS);
    switch (this.text[this.at]) {
      case '{':
        this.readObject();
        return;
      case '[':
        this.readArray();
        return;
      case '"':
        this.readText();
        return;
      case 't':
      case 'f':
      case 'n':
        this.expect(LITERAL);
        return;
      default:
        this.readNumber();
    }
  }

  private readObject(): void {
    this.open();
    let first: string | undefined;
    let names: Set<string> | undefined;
    for (let isFirst = true; !this.closes('}', isFirst); isFirst = false) {
      this.skip(BLANKS);
      const start = this.at;
      const name = this.readText();
      this.path.push(name);
      if (name === '__proto__' || name === 'constructor') this.report('forbidden', start);
      if (name === first || names?.has(name) === true) this.report('given-twice', start);
      if (first === undefined) first = name;
      else (names ??= new Set()).add(name);
      this.skip(BLANKS);
      this.expect(':');
      this.readValue();
      this.path.pop();
    }
  }

  private readArray(): void {
    this.open();
    let index = 0;
    for (let isFirst = true; !this.closes(']', isFirst); isFirst = false) {
      this.path.push(index++);
      this.readValue();
      this.path.pop();
    }
  }

  private open(): void {
    if (++this.depth > MAX_DEPTH) this.fail('depth', this.at);
    this.at++;
  }

  /** Reads the end of a list, or the comma before its next item. @returns true at the end. */
  private closes(end: '}' | ']', isFirst: boolean): boolean {
    this.skip(BLANKS);
    if (this.text[this.at] === end) {
      this.at++;
      this.depth--;
      return true;
    }
    if (!isFirst) {
      this.expect(',');
      this.skip(BLANKS);
      // JSON has no comma before the end.
      if (this.text[this.at] === end) this.fail('invalid', this.at);
    }
    return false;
  }

  /** @returns the text with its escapes resolved. */
  private readText(): string {
    this.expect('"');
    const start = this.at;
    this.skip(CHARACTERS);
    let hasEscapes = false;
    while (this.text[this.at] === '\\') {
      hasEscapes = true;
      this.expect(ESCAPE);
      this.skip(CHARACTERS);
    }
    const inside = this.text.slice(start, this.at);
    this.expect('"');
    return hasEscapes ? (JSON.parse(`"${inside}"`) as string) : inside;
  }

  private readNumber(): void {
    const start = this.at;
    this.expect(NUMBER);
    const digits = this.text.slice(start, this.at);
    if (!INTEGER.test(digits) || !Number.isSafeInteger(Number(digits))) this.report('integer', start);
  }

  private expect(what: RegExp | string): void {
    const start = this.at;
    if (typeof what === 'string') {
      if (this.text[this.at] !== what) this.fail('invalid', start);
      this.at++;
    } else {
      this.skip(what);
      if (this.at === start) this.fail('invalid', start);
    }
  }

  /** Moves past the match of a sticky expression, if there is one here. */
  private skip(what: RegExp): void {
    what.lastIndex = this.at;
    if (what.test(this.text)) this.at = what.lastIndex;
  }

  /** Reports a fault in a text that is still JSON. */
  private report(rule: InputRuleName, at: number): void {
    if (!this.grammarOnly) this.fail(rule, at);
  }

  private fail(rule: InputRuleName, at: number): never {
    throw new Found({ rule, at, pointer: this.path.map(pointerStep).join('') });
  }
}
