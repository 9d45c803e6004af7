/**
 * ESM under Jest: every script runs `node --experimental-vm-modules`, and swc compiles TypeScript with the decorator
 * metadata that Nest's injection reads.
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: 'node',
  // Only ends what hangs: above the patience of test/support/patience.ts, which names what did not come true.
  testTimeout: 600_000,
  setupFiles: ['<rootDir>/test/support/quiet.ts'],
  roots: [
    '<rootDir>/src',
    '<rootDir>/test',
    '<rootDir>/bench',
    '<rootDir>/stack',
    '<rootDir>/web',
    '<rootDir>/rehearsal',
  ],
  testRegex: ['\\.(spec|embedded-spec|contract-spec|e2e-spec|abuse-spec|web-spec)\\.ts$'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // ES modules that Fastify's plugins load by require(): Node can do that, Jest on Node 20 and 22 cannot.
  transformIgnorePatterns: ['/node_modules/(?!cookie/)'],
  transform: {
    '/node_modules/cookie/.+\\.js$': ['@swc/jest', { module: { type: 'commonjs' } }],
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
