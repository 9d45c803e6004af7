import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseOptions } from './options.js';
import { UsageError } from './usage-error.js';

const parse = (...args: string[]) => parseOptions(args, { ADMIN_TOKEN: 't', LANG: 'en_US.UTF-8' })!;

describe('the options of a rehearsal', () => {
  it('have defaults that work for somebody who has just started the service', () => {
    expect(parse()).toMatchObject({
      users: 10_000,
      total: 1_000,
      arrival: { kind: 'burst' },
      token: 't',
      language: 'en',
    });
    expect(parse().url.href).toBe('http://127.0.0.1:3000/');
    expect(parseOptions([], { LANG: 'ko_KR.UTF-8' })?.language).toBe('ko');
  });

  it('are as they were typed', () => {
    const options = parse(
      '--users',
      '20_000',
      '--duplicates',
      '12.5%',
      '--think',
      '200ms-2s',
      '--seed',
      '0',
      '--lang',
      'ko',
    );
    expect(options).toMatchObject({ users: 20_000, duplicates: 0.125, think: { least: 200, most: 2_000 }, seed: 0 });
    expect(parse('--think', '1s').think).toEqual({ least: 1_000, most: 1_000 });
  });

  it('turn a rate into a duration', () => {
    expect(parse('--users', '6000', '--arrival', 'steady', '--rate', '600').arrival).toEqual({
      kind: 'steady',
      seconds: 10,
    });
    expect(parse('--users', '6000', '--arrival', 'ramp', '--rate', '600').arrival).toEqual({
      kind: 'ramp',
      seconds: 20,
    });
  });

  it('take the users from a recorded curve, unless they are given', () => {
    const directory = mkdtempSync(join(tmpdir(), 'coupon-curve-'));
    const file = join(directory, 'noon.csv');
    try {
      writeFileSync(file, 'second,arrivals\n0,70\n1,30\n');
      expect(parse('--arrival', file)).toMatchObject({ users: 100, arrival: { kind: 'curve' } });
      expect(parse('--arrival', file, '--users', '7').users).toBe(7);
      writeFileSync(file, '0,x');
      expect(() => parse('--arrival', file)).toThrow('noon.csv, nobody arrives');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    [['--user', '5'], '--user'],
    [['--users', '0'], '--users'],
    [['--users', '1e3'], '--users'],
    [['--duplicates', '10'], '--duplicates: expected a percentage'],
    [['--hang-ups', '101%'], '--hang-ups'],
    [['--hang-ups', '60%', '--slow-clients', '60%'], 'together'],
    [['--think', '2s-1s'], '--think'],
    [['--think', 'soon'], '--think'],
    [['--arrival', 'wave'], '--arrival: expected burst'],
    [['--arrival', 'nowhere.csv'], 'nowhere.csv cannot be read (ENOENT)'],
    [['--duration', '5'], 'a burst comes all at once'],
    [['--arrival', 'ramp', '--duration', '5', '--rate', '5'], 'only one of them'],
    [['--campaign', 'c', '--total', '5'], 'not both'],
    [['--url', 'somewhere'], '--url'],
    [['--url', 'https://127.0.0.1'], 'http://'],
    [['--lang', 'fr'], '--lang'],
    [['--chaos', '--url', 'http://127.0.0.1:1'], '--chaos'],
    [['stray'], 'stray'],
  ])('%j are refused: %s', (args, why) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(why);
  });
});
