import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LogFormat, type LogLevel } from '../config/config-parts.js';
import { AppLogger, logFormatFor } from './app-logger.js';

describe('the log', () => {
  let written: string[];

  beforeEach(() => {
    written = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const logger = (logFormat: LogFormat = 'json', logLevel: LogLevel = 'verbose') =>
    new AppLogger({ logFormat, logLevel });
  const records = () => written.map((line) => JSON.parse(line) as Record<string, unknown>);

  it('writes one JSON line a record, with ISO instants and the names of LOG_LEVEL', () => {
    const log = logger();
    log.fatal('a');
    log.error('b');
    log.warn('c');
    log.log('d', 'Context');
    log.debug('e');
    log.verbose('f');
    expect(records().map(({ level }) => level)).toEqual(['fatal', 'error', 'warn', 'info', 'debug', 'verbose']);
    expect(records()[3]).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      pid: process.pid,
      context: 'Context',
      message: 'd',
    });
  });

  it.each<[LogLevel, number]>([
    ['fatal', 1],
    ['warn', 3],
    ['info', 4],
    ['verbose', 6],
  ])('from LOG_LEVEL %s up', (level, lines) => {
    const log = logger('json', level);
    for (const write of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) log[write]('x');
    expect(written).toHaveLength(lines);
  });

  it('turns the members beside the message into fields, and none of them replaces its own', () => {
    const forged = { timestamp: 'never', level: 'fatal', pid: 0, context: 'forged' };
    logger().log({ message: 'm', event: 'e', campaignId: 'c', left: undefined, ...forged }, 'Context');
    const [record] = records();
    expect(record).toMatchObject({ message: 'm', event: 'e', campaignId: 'c', level: 'info', context: 'Context' });
    expect(record).not.toHaveProperty('left');
    expect([record?.['pid'], record?.['timestamp']]).toEqual([process.pid, expect.stringMatching(/Z$/)]);
  });

  it.each<[string, (log: AppLogger) => void]>([
    ['as the message', (log) => log.error(new Error('first\nsecond'))],
    ['beside the message', (log) => log.error('it failed', new Error('first\nsecond'))],
    ['as a field', (log) => log.error({ message: 'it failed', error: new Error('first\nsecond') })],
    ['as a stack', (log) => log.error('it failed', new Error('first\nsecond').stack)],
  ])('keeps an error %s on its one line', (_how, write) => {
    write(logger());
    expect(written).toHaveLength(1);
    expect(written[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.stringify(records()[0])).toMatch(/first\\\\?n?.*app-logger\.spec/);
  });

  it('keeps the statement of a database’s error and its values out of every line', () => {
    const driver = Object.assign(new Error('no such column'), {
      code: 'ER_BAD_FIELD_ERROR',
      sql: "SELECT code FROM coupons WHERE user_id = 'kim'",
    });
    // As TypeORM makes it: with what the driver's error has, and its own.
    const query = Object.assign(new Error('no such column', { cause: driver }), driver, {
      query: 'SELECT code FROM coupons WHERE user_id = ?',
      parameters: ['kim'],
    });
    const error = Object.assign(new Error('no such column', { cause: query }), { code: driver.code });
    for (const format of ['json', 'pretty'] as const) {
      const log = logger(format);
      log.error(error);
      log.error({ message: 'a request failed', error });
      log.error({ message: 'a request failed', reason: error });
      log.error('it failed', query);
    }
    expect(written).toHaveLength(8);
    expect(written.join('')).toContain('no such column');
    expect(written.join('')).not.toMatch(/SELECT|kim/);
    expect(JSON.parse(written[1] ?? '')).toMatchObject({
      error: { code: 'ER_BAD_FIELD_ERROR', cause: { code: 'ER_BAD_FIELD_ERROR' } },
    });
  });

  it('writes values that JSON cannot hold', () => {
    const circle: Record<string, unknown> = { big: 1n };
    circle['self'] = circle;
    logger().warn({ message: 'odd', circle });
    expect(records()[0]).toMatchObject({ circle: { big: '1', self: '[Circular]' } });
  });

  it('if pretty, has instant, level, context, text and fields, and a stack below', () => {
    const log = logger('pretty');
    log.log({ message: 'campaign made', event: 'campaign.created', name: '쿠폰 둘', total: 2 }, 'Campaigns');
    log.error({ message: 'it failed', error: new Error('why') });
    expect(written[0]).toMatch(
      /^\S+Z INFO +\[Campaigns\] campaign made event=campaign\.created name='쿠폰 둘' total=2\n$/,
    );
    expect(written[1]).toMatch(/^\S+Z ERROR +it failed\nError: why\n +at /);
  });

  it('is pretty if standard output is a terminal, unless configured otherwise', () => {
    const isTTY = process.stdout.isTTY;
    try {
      for (const terminal of [true, false]) {
        process.stdout.isTTY = terminal;
        expect(logFormatFor(undefined)).toBe(terminal ? 'pretty' : 'json');
        expect(logFormatFor('json')).toBe('json');
      }
    } finally {
      process.stdout.isTTY = isTTY;
    }
  });
});
