import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { parseEnv } from './env.js';
import { RISKS, warnOfRisk } from './risks.js';

describe('a risk', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(RISKS)('%s is warned about with the way to accept it, until ALLOW_INSECURE names it', (risk) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const other = RISKS.find((name) => name !== risk);
    for (const accepted of ['', other]) warnOfRisk(parseEnv({ ALLOW_INSECURE: accepted }), risk, 'the server is open');
    const line = `the server is open (if this is meant: ALLOW_INSECURE=${risk})`;
    expect(warn.mock.calls).toEqual([[line], [line]]);
    warnOfRisk(parseEnv({ ALLOW_INSECURE: `${other}, ${risk}` }), risk, 'the server is open');
    expect(warn).toHaveBeenCalledTimes(2);
  });
});
