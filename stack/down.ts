import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endLeftovers } from './leftovers.js';
import { dockerAnswers } from './missing-programs.js';
import { STACK_DIRECTORY } from './stack-directory.js';

const COMPOSE = fileURLToPath(new URL('compose.yaml', import.meta.url));

const root = join(STACK_DIRECTORY, 'servers');
const withData = process.argv.includes('--data');

const ended = await endLeftovers(root);
if (withData) rmSync(root, { recursive: true, force: true });
if (dockerAnswers()) {
  execFileSync('docker', ['compose', '-f', COMPOSE, 'down', ...(withData ? ['--volumes'] : [])], { stdio: 'inherit' });
}
console.log(`${ended} native servers ended${withData ? ', their data deleted' : ''}`);
