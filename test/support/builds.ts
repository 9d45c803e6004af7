import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { IMAGE_COMMAND } from './cluster.js';

/**
 * The commit of the earlier build. It is the last one before claims, keys and events named their installation, so its
 * script, its events and its schema are others than those of today. Set it to the commit of a release once there is one.
 * Another one for a single run: FAULT_BUILD_BEFORE.
 */
const BEFORE = process.env.FAULT_BUILD_BEFORE ?? '6bfc85db45bad260d7c495ab9a7e8fccc55b8de0';
/** What a build is made of. */
const PARTS = ['src', 'package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];

/** The service, built. */
export interface Build {
  readonly name: string;
  /** The arguments of Node that start a process of it. */
  readonly start: readonly string[];
  readonly migrate: readonly string[];
}

/** Two builds, the later of which replaces the earlier one. */
export interface Builds {
  readonly before: Build;
  readonly after: Build;
}

/**
 * An earlier commit and this checkout. Where Git does not have that commit, as in a shallow clone or an archive: this
 * checkout, and a copy of it with another script and one more migration.
 *
 * @param root where the sources of the second build go, and what is built.
 */
export function twoBuilds(root: string): Builds {
  const own = buildIn(process.cwd(), 'this checkout');
  const sources = join(root, 'build');
  mkdirSync(sources, { recursive: true });
  if (isThere(BEFORE)) {
    const archive = execFileSync('git', ['archive', BEFORE, ...PARTS], { maxBuffer: 2 ** 28 });
    execFileSync('tar', ['-x', '-C', sources], { input: archive });
    return { before: built(sources, `commit ${BEFORE.slice(0, 7)}`), after: own };
  }
  for (const part of PARTS) cpSync(part, join(sources, part), { recursive: true });
  moveOn(sources);
  return { before: own, after: built(sources, 'this checkout with another script and one more migration') };
}

function isThere(commit: string): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Changes the sources as a next release would. */
function moveOn(sources: string): void {
  const script = join(sources, 'src/infrastructure/redis/scripts/prelude.lua');
  appendFileSync(script, '\n-- Of the next release.\n');
  const migrations = join(sources, 'src/infrastructure/sql/migrations');
  const [name, file] = ['NextRelease9000000000000', '9000000000000-next-release'];
  writeFileSync(
    join(migrations, `${file}.ts`),
    `import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class ${name} implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    if (await runner.hasColumn('campaigns', 'next_release')) return;
    await runner.query('ALTER TABLE campaigns ADD COLUMN next_release INTEGER');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE campaigns DROP COLUMN next_release');
  }
}
`,
  );
  const schema = join(sources, 'src/infrastructure/sql/schema.ts');
  const text = readFileSync(schema, 'utf8');
  const listed = text.replace(/(migrations: \[[^\]]*)\]/, `$1  ${name},\n  ]`);
  if (listed === text) throw new Error(`${schema} has no list of migrations`);
  writeFileSync(schema, `import { ${name} } from './migrations/${file}.js';\n${listed}`);
}

/** Builds the sources with the packages of this checkout. */
function built(sources: string, name: string): Build {
  symlinkSync(resolve('node_modules'), join(sources, 'node_modules'));
  // The command of `npm run build:service`, which the earlier build does not have.
  execFileSync('npx', ['--no', 'nest', 'build'], { cwd: sources, stdio: 'inherit' });
  return buildIn(sources, name);
}

function buildIn(directory: string, name: string): Build {
  const own = resolve('dist');
  const dist = join(directory, 'dist');
  return {
    name,
    start: IMAGE_COMMAND.map((part) => (dirname(part) === own ? join(dist, part.slice(own.length)) : part)),
    migrate: [join(dist, 'migrate.js')],
  };
}
