import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../support/service-process.js';

/** Started by this Node and not by a shell, so that a signal reaches only npm, as from a supervisor. */
const NPM =
  process.env['npm_execpath'] ?? join(execFileSync('npm', ['root', '-g']).toString().trim(), 'npm/bin/npm-cli.js');

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

describe('npm', () => {
  let project: string;
  const started: ServiceProcess[] = [];

  // A separate project with the same scripts: `npm start` builds, and other suites use the dist/ of this one.
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'coupon-npm-'));
    for (const path of ['package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json']) {
      cpSync(path, join(project, path));
    }
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
  });
  afterEach(async () => {
    for (const service of started.splice(0)) {
      // npm cannot pass SIGKILL on, and the process that it leaves keeps the pipe open.
      const pid = [...service.text.matchAll(/"pid":(\d+)/g)].at(-1)?.[1];
      if (pid !== undefined) killIfAlive(Number(pid));
      await service.end('SIGKILL');
    }
    rmSync(project, { recursive: true, force: true });
  });

  const npm = (...args: string[]) => {
    const env = { PORT: '0', HOME: project, npm_config_update_notifier: 'false' };
    const service = ServiceProcess.spawn(env, [NPM, ...args], project);
    started.push(service);
    return service;
  };

  /** The service as it was built for the other suites. The step that would build it again is left out. */
  const startBuilt = async () => {
    const service = npm('start', '--ignore-scripts');
    await service.printed(/listening on/);
    return service;
  };

  it('start says that it builds, and builds', async () => {
    mkdirSync(join(project, 'src'));
    writeFileSync(join(project, 'src/main.ts'), "process.stdout.write('the program that was built\\n');\n");
    // The pages need the whole service: their types are made from its document.
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    manifest.scripts['build:web'] = 'echo the pages are built';
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    const service = npm('start');
    expect([await service.exit(), service.text]).toEqual([
      0,
      expect.stringMatching(
        /^Building dist\/ from src\/ and web\/[^]*^the pages are built$[^]*^the program that was built$/m,
      ),
    ]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'start passes %s on: the service ends orderly, and its directory can be opened at once',
    async (signal) => {
      symlinkSync(resolve('dist'), join(project, 'dist'));
      for (let round = 0; round < 2; round++) {
        const service = await startBuilt();
        expect([await service.end(signal), service.text]).toEqual([
          0,
          expect.stringMatching(new RegExp(`stopping on ${signal}[^]*stopped`)),
        ]);
      }
    },
  );

  it('start ends with the exit code of a service that is refused', async () => {
    symlinkSync(resolve('dist'), join(project, 'dist'));
    await startBuilt();
    const second = npm('start', '--ignore-scripts');
    expect([await second.exit(), second.text]).toEqual([1, expect.stringContaining('in use by another instance')]);
  });

  it('run start:dev runs the sources again when one changes, and touches no dist/', async () => {
    for (const path of ['src', 'test/support']) cpSync(path, join(project, path), { recursive: true });
    const service = npm('run', 'start:dev');
    await service.printed(/listening on/);
    utimesSync(join(project, 'src/platform/http/problem/problem.ts'), new Date(), new Date());
    await service.printed(/listening on[^]*stopping on SIGTERM[^]*listening on/);
    expect(readdirSync(project)).not.toContain('dist');
    await service.end('SIGTERM');
    expect(service.text.match(/stopping on SIGTERM/g)).toHaveLength(2);
    symlinkSync(resolve('dist'), join(project, 'dist'));
    await startBuilt();
  });
});
