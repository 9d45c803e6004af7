import { describe, expect, it } from '@jest/globals';
import { readOptions } from './options.js';

describe('the options of the bench', () => {
  it('measure everything, unless one of them says something else', () => {
    const { extent, ...others } = readOptions([]);

    expect(others).toEqual({
      help: false,
      only: undefined,
      cpu: false,
      bisect: false,
      smoke: false,
      out: 'bench/results',
      rival: undefined,
    });
    expect(extent).toMatchObject({ rounds: 5, seconds: 3, warmUp: 5, backlog: 500_000, claims: 1_000_000 });
  });

  it('have shorter rounds for processor times, which can be lengthened', () => {
    expect(readOptions(['--cpu']).extent).toMatchObject({ rounds: 5, seconds: 1, warmUp: 2 });
    expect(readOptions(['--bisect']).extent).toMatchObject({ rounds: 5, seconds: 1, warmUp: 2 });
    expect(readOptions(['--cpu', '--seconds', '4']).extent.seconds).toBe(4);
  });

  it('take little of everything for a smoke run', () => {
    expect(readOptions(['--smoke', '--rounds', '9']).extent).toMatchObject({ rounds: 1, seconds: 1 });
  });

  it('name another system with its call and its processes', () => {
    const body = '{"userId":{number}}';
    const url = 'http://127.0.0.1:8080/v1/claims?fast=1';

    expect(readOptions(['--against', url, '--body', body, '--pid', '41', '--pid', '42']).rival).toEqual({
      url: 'http://127.0.0.1:8080',
      call: { path: '/v1/claims?fast=1', body },
      pids: [41, 42],
    });
  });

  it.each([
    [['--against', 'http://127.0.0.1:1/'], '--against needs --body'],
    [['--body', '{}'], '--body and --pid belong to --against'],
    [['--against', 'there', '--body', '{}'], '--against there is no URL'],
    [['--rounds', 'many'], '--rounds many is no number from 1 on'],
    [['--cpu', '--bisect'], '--cpu and --bisect are two runs'],
    [['--seconds', '0'], '--seconds 0 is no number from 1 on'],
  ])('%j are refused', (args, reason) => {
    expect(() => readOptions(args)).toThrow(reason);
  });
});
