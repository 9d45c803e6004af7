import { describe, expect, it } from '@jest/globals';
import { assertVersion, UnusableDatabaseError } from './mysql-migrator.js';

describe('a server’s version', () => {
  it.each([
    '10.6.0-MariaDB',
    '10.11.19-MariaDB-0+deb12u1',
    '5.5.5-10.6.12-MariaDB-log',
    '11.8.2-MariaDB-ubu2404',
    '8.0.16',
    '8.0.16-log',
    '8.4.0-commercial',
    '9.1.0',
  ])('%s is new enough', (version) => {
    expect(() => assertVersion(version)).not.toThrow();
  });

  it.each([
    ['10.5.29-MariaDB', 'MariaDB 10.6.0'],
    ['5.5.5-10.4.2-MariaDB', 'MariaDB 10.6.0'],
    ['8.0.15', 'MySQL 8.0.16'],
    ['5.7.44-log', 'MySQL 8.0.16'],
    ['', 'MySQL 8.0.16'],
    ['who knows', 'MySQL 8.0.16'],
  ])('%s is refused, with what is needed', (version, needed) => {
    expect(() => assertVersion(version)).toThrow(UnusableDatabaseError);
    expect(() => assertVersion(version)).toThrow(`${needed} or later is needed, this one is ${version}`);
  });
});
