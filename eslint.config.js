import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const ENVIRONMENT = {
  object: 'process',
  property: 'env',
  message: 'Only platform/config/load-configuration.ts reads the environment.',
};

// What a simulation has to decide by itself: what time it is, when a timer runs, and what chance brings.
const INJECTED = 'Take it from platform/flow (Clock, Timers, Entropy), injected: a simulation provides its own.';
const injected = (object, ...properties) => properties.map((property) => ({ object, property, message: INJECTED }));
const notInjected = (name, ...importNames) => ({
  name,
  ...(importNames.length > 0 && { importNames }),
  message: INJECTED,
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'data/', '.stack/', 'web/src/api/schema.ts'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise that nobody awaits is a claim that nobody can account for.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always'],
      'no-restricted-properties': ['error', ENVIRONMENT],
    },
  },
  {
    files: [
      'src/platform/config/load-configuration*.ts',
      // NODE_OPTIONS, before there is a configuration.
      'src/platform/process/heap.ts',
      'src/platform/tracing/sdk.ts',
      'test/**',
      'stack/**',
      'bench/**',
      'rehearsal/**',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: '@nestjs/typeorm',
          allowImportNames: ['TypeOrmModule', 'InjectDataSource', 'getDataSourceToken'],
          message: 'A repository or manager that Nest injects is a way past the mutex and the deadlines (ADR 5).',
        },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[property.name='forFeature']",
          message: 'It provides repositories, each of them a way past the mutex and the deadlines (ADR 5).',
        },
      ],
    },
  },
  // Nest reads constructor types at run time: a type-only import there would erase the injection token.
  { files: ['src/**/*.ts'], rules: { '@typescript-eslint/consistent-type-imports': 'off' } },
  // A longer file holds two things.
  { files: ['src/**/*.ts', 'web/src/**/*.{ts,tsx}'], ignores: ['**/*spec.ts'], rules: { 'max-lines': ['error', 300] } },
  {
    files: ['src/{domain,ports,modules}/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*-spec.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['performance', 'setTimeout', 'setInterval', 'setImmediate', 'crypto'].map((name) => ({
          name,
          message: INJECTED,
        })),
      ],
      'no-restricted-properties': [
        'error',
        ENVIRONMENT,
        ...injected('Date', 'now'),
        ...injected('Math', 'random'),
        ...injected('process', 'hrtime', 'uptime'),
        ...injected('AbortSignal', 'timeout'),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: INJECTED },
        { selector: "CallExpression[callee.name='Date']", message: INJECTED },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...['timers', 'node:timers', 'timers/promises', 'node:timers/promises', 'node:perf_hooks', 'ulid'].map(
              (name) => notInjected(name),
            ),
            ...['crypto', 'node:crypto'].map((name) =>
              notInjected(name, 'randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'webcrypto'),
            ),
          ],
          patterns: [{ group: ['**/platform/flow/*'], importNamePattern: '^[sS]ystem', message: INJECTED }],
        },
      ],
    },
  },
  {
    files: ['web/src/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "CallExpression[callee.name='useEffect'] CallExpression[callee.property.name=/^(focus|showModal)$/]",
          message: 'It runs after the browser has painted: keys that are pressed before are lost. Use useLayoutEffect.',
        },
      ],
    },
  },
  prettier,
  // After prettier, which turns it off: with other options it would undo what this rule demands.
  { files: ['**/*.ts', '**/*.tsx'], rules: { curly: ['error', 'multi-line', 'consistent'] } },
);
