import base from './jest.config.js';

/** A project knows everything but the time-out, which is the run's. */
const project = { ...base };
delete project.testTimeout;

/**
 * What needs real servers: the adapters' suites; the whole e2e suite on the distributed profile, with everything in one
 * process and with two apis and two workers; and the promises while servers and processes die. Run by `stack/test.ts`,
 * which starts the servers; a suite that finds none fails.
 * @type {import('jest').Config}
 */
export default {
  testTimeout: base.testTimeout,
  projects: [
    { ...project, displayName: 'adapters', testRegex: ['\\.stack-spec\\.ts$'], globals: { TOPOLOGY: 'one' } },
    { ...project, displayName: 'e2e, one process', testRegex: ['\\.e2e-spec\\.ts$'], globals: { TOPOLOGY: 'one' } },
    { ...project, displayName: 'faults', testRegex: ['\\.fault-spec\\.ts$'], globals: { TOPOLOGY: 'one' } },
    // What is about one process is the same in every topology.
    {
      ...project,
      displayName: 'e2e, apart',
      testRegex: ['/(issuing|campaigns|campaign-milestones|live|metrics|bad-input|fence)\\.e2e-spec\\.ts$'],
      globals: { TOPOLOGY: 'apart' },
    },
  ],
};
