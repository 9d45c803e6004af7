import base from './jest.config.js';

/**
 * What needs real servers: the adapters' suites, and the e2e suite on the distributed profile. Run by `stack/test.ts`,
 * which starts the servers; a suite that finds none fails.
 * @type {import('jest').Config}
 */
export default {
  ...base,
  testTimeout: 60_000,
  testRegex: ['\\.stack-spec\\.ts$'],
};
