import base from './jest.config.js';

/** A project knows everything but the time-out, which is the run's. */
const project = { ...base };
delete project.testTimeout;

/** Each starts the embedded profile by itself, so servers change nothing: `npm test` has run them. */
const EMBEDDED_ALONE = ['backup', 'logs', 'npm-start', 'secrets-in-logs', 'wiring'];

/**
 * A gate that loses its memory takes the longest. With one process that has all roles it is tried with `--nightly`: the
 * project's gate tries it embedded and with two apis and two workers.
 */
const NIGHTLY = process.env.NIGHTLY === '1' ? [] : ['fence'];

/** The pages in which the profiles differ most: what claims, what acts, what shows the servers. All with `--nightly`. */
const PAGES = '/(console-live|console-actions|desk-failed-events|desk-system|shop-claims)\\.web-spec\\.ts$';

/** Those e2e specs, by name. */
const named = (names) => `/(${names.join('|')})\\.e2e-spec\\.ts$`;

/**
 * What needs real servers: the adapters' suites; the whole e2e suite on the distributed profile, with everything in one
 * process and with two apis and two workers; the pages; and the promises while servers and processes die. Run by
 * `stack/test.ts`, which starts the servers; a suite that finds none fails.
 * @type {import('jest').Config}
 */
export default {
  testTimeout: base.testTimeout,
  projects: [
    { ...project, displayName: 'adapters', testRegex: ['\\.stack-spec\\.ts$'], globals: { TOPOLOGY: 'one' } },
    {
      ...project,
      displayName: 'e2e, one process',
      testRegex: ['\\.e2e-spec\\.ts$'],
      testPathIgnorePatterns: ['/node_modules/', named([...EMBEDDED_ALONE, ...NIGHTLY])],
      globals: { TOPOLOGY: 'one' },
    },
    {
      ...project,
      displayName: 'pages',
      testRegex: process.env.NIGHTLY === '1' ? ['\\.web-spec\\.ts$'] : [PAGES],
      globals: { TOPOLOGY: 'one' },
    },
    { ...project, displayName: 'faults', testRegex: ['\\.fault-spec\\.ts$'], globals: { TOPOLOGY: 'one' } },
    // What is about one process is the same in every topology.
    {
      ...project,
      displayName: 'e2e, apart',
      testRegex: [named(['issuing', 'campaigns', 'campaign-milestones', 'live', 'metrics', 'fence'])],
      globals: { TOPOLOGY: 'apart' },
    },
  ],
};
