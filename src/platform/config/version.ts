import { readFileSync } from 'node:fs';

interface Package {
  readonly version: string;
}

/** The version in package.json, which has the same relative path from the sources and from the built service. */
export const VERSION = (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as Package)
  .version;
