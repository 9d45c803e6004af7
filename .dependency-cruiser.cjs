/**
 * The boundaries of the modular monolith; each rule says what breaks without it. Each folder of src/ is one kind of
 * thing, and arrows run one way: app → modules → ports → domain; infrastructure → ports; platform lies under all.
 */
const SPEC = 'spec\\.ts$';
const SERVERS = '^src/infrastructure/(distributed\\.module|kafka/|redis/|mysql/)';
const FILE = '^src/infrastructure/(embedded\\.module|sqlite/|journal/|in-process-gate/|in-process-board/)';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle means that two files cannot be understood, tested or replaced one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pages-know-the-api-alone',
      comment: 'Nothing in a page can do what the API cannot; a page that shared code with the service could.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(src|test|bench|stack)/' },
    },
    {
      name: 'the-service-knows-no-page',
      comment: 'It serves files that the build made, whatever they hold.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^web/' },
    },
    {
      name: 'the-domain-stands-alone',
      comment: 'Everything shares the domain: an import here would tie everything to one more part.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: SPEC },
      to: { path: '^src/', pathNot: '^src/domain/' },
    },
    {
      name: 'ports-know-domain-and-platform',
      comment: 'A port that knew one of its users or one of its adapters could serve no other.',
      severity: 'error',
      from: { path: '^src/ports/', pathNot: SPEC },
      to: { path: '^src/', pathNot: '^src/(ports|domain|platform)/' },
    },
    {
      name: 'the-platform-knows-no-coupon',
      comment:
        'What lies under everything cannot depend on any of it. Variables and parameters quote the limits of a campaign and the form of a user id.',
      severity: 'error',
      from: { path: '^src/platform/', pathNot: SPEC },
      to: { path: '^src/', pathNot: ['^src/platform/', '^src/domain/(campaign|user-id)\\.ts$'] },
    },
    {
      name: 'modules-know-no-product',
      comment:
        'A module that imports infrastructure/ works in one profile only; one that imports app/ closes a circle.',
      severity: 'error',
      from: { path: '^src/modules/' },
      to: { path: '^src/(infrastructure|app)/' },
    },
    {
      name: 'modules-keep-their-insides',
      comment:
        'Modules meet in ports/ and domain/. They share modules/gate-watch/, and may import the module file of another one.',
      severity: 'error',
      from: { path: '^src/modules/([^/]+)/' },
      to: { path: '^src/modules/', pathNot: ['^src/modules/($1|gate-watch)/', '\\.module\\.ts$'] },
    },
    {
      name: 'the-watch-knows-no-module',
      comment: 'Every module that calls the gate shares it.',
      severity: 'error',
      from: { path: '^src/modules/gate-watch/', pathNot: SPEC },
      to: { path: '^src/modules/', pathNot: '^src/modules/gate-watch/' },
    },
    {
      name: 'modules-get-the-watched-gate',
      comment:
        'A module that calls the bare gate can forget to report its trouble; a 202 may leave on old knowledge then.',
      severity: 'error',
      from: { path: '^src/modules/', pathNot: ['^src/modules/gate-watch/', SPEC] },
      to: { path: '^src/ports/gate/unwatched-gate\\.ts$' },
    },
    {
      name: 'infrastructure-serves-ports',
      comment: 'An adapter implements a port; when it reaches into a module, the module has no port.',
      severity: 'error',
      from: { path: '^src/infrastructure/' },
      to: { path: '^src/(modules|app)/' },
    },
    {
      name: 'products-stay-in-infrastructure',
      comment:
        'infrastructure/ is the only place that names a product, so that a profile is a choice and not a rewrite.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/infrastructure/' },
      to: { path: 'node_modules/(typeorm|@nestjs/typeorm|libsql|mysql2|ioredis|kafkajs)/' },
    },
    {
      name: 'kafkajs-internals-stay-in-their-folder',
      comment:
        'kafkajs promises nothing below its public API. What another version of it breaks has to lie in one folder; see kafka/client/README.md.',
      severity: 'error',
      from: { path: '^(src|test|bench|stack)/', pathNot: '^src/infrastructure/kafka/client/' },
      to: {
        path: [
          'node_modules/kafkajs/src/',
          '^src/infrastructure/kafka/client/(fetched-batches|produce-request|kafkajs-(?!options))',
        ],
      },
    },
    {
      name: 'a-profile-loads-its-own',
      comment:
        'Imported at the start by anybody else, the other profile’s libraries are loaded in both: tens of MB. Types and import() are free.',
      severity: 'error',
      from: {
        path: '^src/',
        // Each of these commands is a process of its own, for one of the profiles; `move` and `rotate-event-key` are for both.
        pathNot: [SERVERS, FILE, '^src/(migrate|backup|export|move|rotate-event-key)\\.ts$', SPEC],
      },
      to: {
        path: [SERVERS, FILE],
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-embedded-profile-knows-no-server',
      comment: 'And the other way round: a product of one profile is of no use to the other.',
      severity: 'error',
      from: { path: FILE, pathNot: SPEC },
      to: { path: SERVERS },
    },
    {
      name: 'the-distributed-profile-knows-no-file',
      comment: 'The same for the file and the memory of the embedded one.',
      severity: 'error',
      from: { path: SERVERS, pathNot: SPEC },
      to: { path: FILE },
    },
    {
      name: 'no-dev-dependency-in-src',
      comment: 'The built service runs with production dependencies only.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
    {
      name: 'the-service-needs-no-test',
      comment: 'The built service has src/ alone. A spec beside the code may use test/support/; it starts no server.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: ['^bench/', '^stack/', '^rehearsal/', '^test/(?!support/)'] },
    },
    {
      name: 'the-oracle-knows-no-service',
      comment:
        'It judges the service by what callers heard. What it imported of the service could be wrong in the same way as the service.',
      severity: 'error',
      from: { path: '^oracle/' },
      to: { path: '^(src|test|stack|bench|rehearsal|web)/' },
    },
    {
      name: 'a-rehearsal-is-a-caller',
      comment:
        'It drives any build of the service over its API. Servers and processes of its own, and so the support of the tests, are for --chaos alone.',
      severity: 'error',
      from: { path: '^rehearsal/', pathNot: ['^rehearsal/chaos/', SPEC] },
      to: { path: ['^(src|test|stack|bench|web)/'] },
    },
    {
      name: 'chaos-is-loaded-when-asked-for',
      comment: 'A rehearsal against a service that runs already needs neither servers nor the support of the tests.',
      severity: 'error',
      from: { path: '^rehearsal/', pathNot: ['^rehearsal/chaos/', SPEC] },
      to: { path: '^rehearsal/chaos/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-needs-the-rehearsal',
      comment: 'It is a command. What it shares with the tests is the oracle.',
      severity: 'error',
      from: { path: '^(src|stack|bench|oracle|test|web)/' },
      to: { path: '^rehearsal/' },
    },
    {
      name: 'no-test-support-in-src',
      comment: 'What only tests need would be missing from the built service.',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: '^test/' },
    },
    {
      name: 'stack-knows-servers-only',
      comment:
        'stack/ also starts the servers that a developer works with; it has to start them while src/ and test/ are broken.',
      severity: 'error',
      from: { path: '^stack/' },
      to: { path: '^(src|test|bench|oracle|rehearsal)/' },
    },
    {
      name: 'nobody-needs-the-bench',
      comment: 'The bench measures by the support of the tests; a test that needed the bench would close the circle.',
      severity: 'error',
      from: { path: '^(src|stack|test)/' },
      to: { path: '^bench/' },
    },
    {
      name: 'a-contract-knows-no-adapter',
      comment: 'A suite that imports one adapter cannot be passed by the others. All databases share the migrations.',
      severity: 'error',
      from: { path: '^test/contract/.*\\.contract\\.ts$' },
      to: { path: ['^src/infrastructure/', '^stack/'], pathNot: '/migrations/' },
    },
    {
      name: 'a-unit-test-opens-no-database',
      comment:
        '`npm run check` runs the *.spec.ts, in seconds. A spec with a real SQLite or sockets is an *.embedded-spec.ts.',
      severity: 'error',
      from: { path: '\\.spec\\.ts$' },
      to: {
        path: '^test/support/(consumer|embedded|journal-consumer|recovery|retry|service|table-rows)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-import-of-a-spec',
      comment: 'An imported spec runs in every file that imports it; what two specs share goes to test/support/.',
      severity: 'error',
      from: {},
      to: { path: 'spec\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
