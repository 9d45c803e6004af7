import { describe, expect, it } from '@jest/globals';
import { APPLY, ENTRY, invalid, JSON_TYPE, refusedAt, send } from './fixture.js';

export function describeBodies(): void {
  describe('a body', () => {
    const apply = (body: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
      send('POST', APPLY, { headers, body });

    it.each<[string, string | Buffer]>([
      ['cut off', '{"userId":"a"'],
      ['in single quotes', "{'userId':'a'}"],
      ['of a form', 'userId=a'],
      ['with a comma too many', '{"userId":"a",}'],
      ['with a comment', '{"userId":"a"}//'],
      ['with a second value behind it', '{"userId":"a"}{"userId":"b"}'],
      ['with NaN', '{"userId":NaN}'],
      ['with a raw line break in a text', '{"userId":"a\nb"}'],
      ['with a byte order mark', '\ufeff{"userId":"a"}'],
      ['in UTF-16', Buffer.from('{"userId":"a"}', 'utf16le')],
      ['with a byte that is not UTF-8', Buffer.from('{"userId":"a\xff"}', 'latin1')],
      ['with an overlong UTF-8 sequence', Buffer.from('{"userId":"\xc1\xa1"}', 'latin1')],
      ['with half a surrogate pair in UTF-8', Buffer.from('{"userId":"\xed\xa0\x80"}', 'latin1')],
      ['of blanks alone', '   '],
    ])('%s is malformed JSON', async (_what, body) => {
      refusedAt(APPLY, await apply(body), 400, 'malformed-json');
    });

    it.each(['[]', '[{"userId":"a"}]', '"a"', '1', 'true', 'null'])('of %s is not an object', async (body) => {
      invalid(APPLY, await apply(body), ['']);
    });

    it('that is missing fails the validation, with and without a content type', async () => {
      invalid(APPLY, await send('POST', APPLY), ['']);
      invalid(APPLY, await apply(''), ['']);
      invalid(APPLY, await apply('', {}), ['']);
      invalid(APPLY, await apply('0\r\n\r\n', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }), ['']);
    });

    it.each<[string, string, string[]]>([
      ['a property that nobody knows', '{"userId":"a","admin":true}', ['/admin']],
      ['several of them', '{"userId":"a","x":1,"y":2}', ['/x', '/y']],
      ['a property in the wrong case', '{"userId":"a","userID":"b"}', ['/userID']],
      ['a property whose name needs escaping', '{"userId":"a","x/y~z":1}', ['/x~1y~0z']],
      ['__proto__', '{"userId":"a","__proto__":{"campaignId":"x"}}', ['/__proto__']],
      ['__proto__ behind an escape', '{"userId":"a","\\u005f_proto__":{}}', ['/__proto__']],
      ['constructor', '{"userId":"a","constructor":{"prototype":{}}}', ['/constructor']],
    ])('with %s is refused', async (_what, body, pointers) => {
      invalid(APPLY, await apply(body), pointers);
    });

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/problem+json',
      'application/json-patch+json',
      'application/jsonx',
      'application/json; charset=utf-16',
      'application/json; charset=latin1',
      'application/json; charset=utf-8; charset=utf-16',
      'text/plain; application/json',
      '*/*',
      'json',
      '',
    ])('of the content type %j is not read', async (type) => {
      refusedAt(APPLY, await apply('{"userId":"a"}', { 'Content-Type': type }), 415, 'unsupported-media-type');
    });

    it('without a content type is not read', async () => {
      refusedAt(APPLY, await apply('{"userId":"a"}', {}), 415, 'unsupported-media-type');
    });

    it.each(['gzip', 'br', 'deflate', 'identity', 'utf-8', ''])(
      'with the content encoding %j is not read',
      async (encoding) => {
        const headers = { ...JSON_TYPE, 'Content-Encoding': encoding };
        refusedAt(APPLY, await apply('{"userId":"a"}', headers), 415, 'unsupported-media-type');
      },
    );

    it('over 4 KB is refused, whether it is declared, sent in chunks or only announced', async () => {
      const body = `{"userId":"a"}${' '.repeat(4_083)}`;
      expect(Buffer.byteLength(body)).toBe(4_097);
      refusedAt(APPLY, await apply(body), 413, 'payload-too-large');
      const chunked = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
      const half = `${(2_049).toString(16)}\r\n${' '.repeat(2_049)}\r\n`;
      refusedAt(APPLY, await apply(`${half}${half}0\r\n\r\n`, chunked), 413, 'payload-too-large');
      refusedAt(APPLY, await apply(`{`, { ...JSON_TYPE, 'Content-Length': '4097' }), 413, 'payload-too-large');
      refusedAt(APPLY, await apply(`{`, { ...JSON_TYPE, 'Content-Length': '99999999999' }), 413, 'payload-too-large');
    });

    it.each<[string, string, string[]]>([
      ['no user', '{}', ['/userId']],
      ['a user id of another form', '{"userId":"a b"}', ['/userId']],
      ['a property that nobody knows', '{"userId":"a","challenge":"none"}', ['/challenge']],
      ['__proto__', '{"userId":"a","__proto__":{"answer":"x"}}', ['/__proto__']],
      ['an empty answer', '{"userId":"a","answer":""}', ['/answer']],
      ['an answer of 3,001 characters', `{"userId":"a","answer":"${'x'.repeat(3_001)}"}`, ['/answer']],
      ['a line break in the answer', '{"userId":"a","answer":"x\\n"}', ['/answer']],
      ['an answer in Korean', '{"userId":"a","answer":"답"}', ['/answer']],
      ['an answer that is null', '{"userId":"a","answer":null}', ['/answer']],
      ['an answer that is an object', '{"userId":"a","answer":{"challenge":{}}}', ['/answer']],
    ])('of a call for an entry with %s is refused', async (_what, body, pointers) => {
      invalid(ENTRY, await send('POST', ENTRY, { headers: JSON_TYPE, body }), pointers);
    });

    it('of a call for an entry is read as that of a claim is', async () => {
      const enter = (body: string, headers = JSON_TYPE) => send('POST', ENTRY, { headers, body });
      refusedAt(ENTRY, await enter('{"userId":"a",}'), 400, 'malformed-json');
      invalid(ENTRY, await enter('[]'), ['']);
      invalid(ENTRY, await send('POST', ENTRY), ['']);
      refusedAt(ENTRY, await enter('{}', { 'Content-Type': 'text/plain' }), 415, 'unsupported-media-type');
      refusedAt(ENTRY, await enter(`{"userId":"a"}${' '.repeat(4_083)}`), 413, 'payload-too-large');
    });

    it('of exactly 4 KB is read', async () => {
      invalid(APPLY, await apply(`{"userId":""}${' '.repeat(4_083)}`), ['/userId']);
    });
  });
}
