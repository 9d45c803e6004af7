import { readFileSync } from 'node:fs';

interface Package {
  readonly version: string;
}

/** Of package.json, which lies beside the built service as it does beside its sources. */
export const VERSION = (JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as Package)
  .version;
