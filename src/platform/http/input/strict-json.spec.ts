import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPlainJson, jsonFault, MAX_DEPTH, positionIn, syntaxErrorIn } from './strict-json.js';

/** Texts that are nearly JSON: pieces of JSON in any order, and JSON with one character changed. */
const nearlyJson = fc.oneof(
  fc
    .array(
      fc.constantFrom(
        ...['{', '}', '[', ']', ':', ',', '"a"', '"b"', '"\\u0061"', '"', '\\', ' ', '\n', '\t', '0', '1', '-', '.5'],
        ...['e3', '42', 'true', 'false', 'null', 'nul', '\u0007', '가', '//', "'"],
      ),
      { maxLength: 12 },
    )
    .map((pieces) => pieces.join('')),
  fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '0', ':', ' ', '\\'))
    .map(([json, at, piece]) => {
      const index = at % (json.length + 1);
      return json.slice(0, index) + piece + json.slice(index + 1);
    }),
);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a fault in JSON', () => {
  it.each([
    ['{"userId":"first","userId":"second"}', 'given-twice', '/userId'],
    ['{"userId":"same","userId":"same"}', 'given-twice', '/userId'],
    ['{"userId":"first","user\\u0049d":"second"}', 'given-twice', '/userId'],
    ['{"a":1,"b":2,"c":3,"b":4}', 'given-twice', '/b'],
    ['{"":1,"":2}', 'given-twice', '/'],
    ['{"a":{"x":1},"b":[0,{"y/~":1,"y/~":2}]}', 'given-twice', '/b/1/y~1~0'],
    ['{"é":1,"\\u00e9":2}', 'given-twice', '/é'],
    ['{"😀":1,"\\ud83d\\ude00":2}', 'given-twice', '/😀'],
    ['{"__proto__":1}', 'forbidden', '/__proto__'],
    ['{"x":[{"constructo\\u0072":1}]}', 'forbidden', '/x/0/constructor'],
    ['{"userId":41.99999999999999999}', 'integer', '/userId'],
    ['{"userId":9007199254740990.6}', 'integer', '/userId'],
    ['{"userId":9007199254740993}', 'integer', '/userId'],
    ['{"userId":1e2}', 'integer', '/userId'],
    ['{"userId":1E+2}', 'integer', '/userId'],
    ['{"userId":1.0}', 'integer', '/userId'],
    ['{"userId":4.2e1}', 'integer', '/userId'],
    ['{"userId":-0}', 'integer', '/userId'],
    ['{"userId":0.0}', 'integer', '/userId'],
    ['{"userId":1e999}', 'integer', '/userId'],
    ['[0,[1,-2.5]]', 'integer', '/1/1'],
    ['1.5', 'integer', ''],
  ])('%s is %s at %j', (text, rule, pointer) => {
    expect(isJson(text)).toBe(true);
    expect(jsonFault(text)).toMatchObject({ rule, pointer });
    expect(isPlainJson(text)).toBe(false);
  });

  it.each([
    '{}',
    '[]',
    ' {"a" : [ 1 , -1 , 0 , 9007199254740991 , -9007199254740991 ] , "b" : { "a" : "a" } } ',
    '[{"a":1},{"a":1}]',
    '{"a":"a","A":"a"}',
    '{"userId":"__proto__","campaignId":"constructor"}',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"',
    'null',
  ])('is not found in %s', (text) => {
    expect(isJson(text)).toBe(true);
    expect(jsonFault(text)).toBeUndefined();
  });

  it('can be a nesting that is too deep, and reading it does not fill the stack', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(jsonFault(nested(MAX_DEPTH))).toBeUndefined();
    expect(jsonFault(nested(MAX_DEPTH + 1))).toMatchObject({ rule: 'depth' });
    expect(jsonFault(nested(1_000_000))).toMatchObject({ rule: 'depth' });
    expect(syntaxErrorIn('['.repeat(1_000_000))).toBe(MAX_DEPTH);
  });

  it('is never in a text that counts as plain', () => {
    const names = fc.constantFrom('userId', 'campaignId', '__proto__', 'constructor', 'a', 'us\\u0065rId');
    const values = fc.constantFrom('"a"', '"\\n"', '"가"', '1', '1.0', '{}', 'null', '""', '"\t"');
    const bodies = fc
      .tuple(fc.array(fc.tuple(names, values), { maxLength: 3 }), fc.constantFrom('', ' '))
      .map(([members, blank]) => `{${members.map(([name, value]) => `"${name}":${blank}${value}`).join(`,${blank}`)}}`);
    fc.assert(
      fc.property(bodies, (text) => {
        if (isPlainJson(text) && isJson(text)) expect(jsonFault(text)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not looked for in the usual text of a claim', () => {
    for (const text of [
      '{"userId":"user-1"}',
      '{"userId": "user-1"}',
      '{"userId":"user-1","campaignId":"default"}',
      '{"campaignId": "default", "userId": "auth0|5f7c"}',
    ]) {
      expect(isPlainJson(text)).toBe(true);
    }
  });
});

describe('a syntax error', () => {
  it.each([
    ['', 0],
    ['{"userId":"a"', 13],
    ['{"userId":"a",}', 14],
    ['{"userId" "a"}', 10],
    ["{'userId':'a'}", 1],
    ['{"userId":"a"}}', 14],
    ['{"userId":01}', 11],
    ['{"userId":NaN}', 10],
    ['{"userId":nul}', 10],
    ['{"userId":"a\nb"}', 12],
    ['{"userId":"a\\x"}', 12],
    ['{"userId":"a', 12],
    ['[1,]', 3],
    ['[,1]', 1],
    ['\ufeff{}', 0],
    ['{"a":1,"a":1.5,', 15],
  ])('in %j is at %d', (text, at) => {
    expect(isJson(text)).toBe(false);
    expect(syntaxErrorIn(text)).toBe(at);
  });

  it('is found exactly where JSON.parse refuses', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const at = syntaxErrorIn(text);
        expect(at === undefined).toBe(isJson(text));
        // With a character here that JSON never allows, the fault is still here: the text before it is right.
        if (at !== undefined) expect(syntaxErrorIn(`${text.slice(0, at)}\u0001`)).toBe(at);
      }),
      { numRuns: 5_000 },
    );
  });

  it('has a line and a column as an editor counts them', () => {
    expect(positionIn('', 0)).toEqual({ line: 1, column: 1 });
    expect(positionIn('{\n  "a": x', 9)).toEqual({ line: 2, column: 8 });
    expect(positionIn('{\r\n\r"😀가" x', 10)).toEqual({ line: 3, column: 6 });
  });
});
