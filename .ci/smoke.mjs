// Starts the service as the README says, with an empty environment, makes the README's calls, and stops it with
// Ctrl-C: on the Node that runs this, and on the other supported versions, which npx brings.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const VERSIONS = ['20', '22', '24'];
const DEADLINE_MS = 20_000;
const outcomes = [];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function eventually(what, probe) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await probe().catch((error) => error);
    if (value === true) return;
    if (Date.now() > deadline) throw new Error(`${what}: ${value}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

function expect(what, actual, expected) {
  if (actual !== expected) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

/** The executable itself: npx stands between a signal and the service. */
function executableOf(version) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  return execFileSync('npx', ['-y', `node@${version}`, '-p', 'process.execPath'], { encoding: 'utf8' }).trim();
}

async function session(version) {
  const node = executableOf(version);
  const directory = mkdtempSync(join(tmpdir(), 'coupon-smoke-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = async () => {
    const child = spawn(node, [resolve('dist/main.js')], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port) },
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.once('exit', () => (output += '(ended)'));
    await eventually('start', async () => output.includes('listening on') || output.slice(-500));
    return child;
  };
  const stop = async (child) => {
    child.kill('SIGINT');
    const kill = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    clearTimeout(kill);
    expect('the exit code', child.exitCode, 0);
  };
  const apply = (userId) =>
    fetch(`${url}/api/coupons/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    });

  let child = await start();
  try {
    // Node 20 cannot replace its own process. Other systems than Linux have no such file.
    const commandLine = `/proc/${child.pid}/cmdline`;
    if (version !== '20' && existsSync(commandLine)) {
      expect('the heap', readFileSync(commandLine, 'utf8').includes('--max-semi-space-size=64'), true);
    }
    const first = await apply(1);
    expect('the first call', first.status, 202);
    expect('its message', (await first.json()).message, '쿠폰 발급 신청이 완료되었습니다.');
    await eventually('the claim reads ISSUED', async () => {
      const { status } = await (await fetch(url + first.headers.get('location'))).json();
      return status === 'ISSUED' || status;
    });
    expect('the second call', (await (await apply(1)).json()).code, 'already-claimed');
    for (let user = 2; user <= 100; user++) expect(`user ${user}`, (await apply(user)).status, 202);
    expect('the 101st user', (await (await apply(101)).json()).code, 'sold-out');
    await stop(child);
    child = await start();
    expect('after a new start', (await (await apply(1)).json()).code, 'already-claimed');
    expect('after a new start', (await (await apply(101)).json()).code, 'sold-out');
    expect('the docs', (await fetch(`${url}/docs`)).status, 200);
  } finally {
    await stop(child);
    rmSync(directory, { recursive: true, force: true });
  }
}

for (const version of VERSIONS) {
  try {
    await session(version);
    console.log(`node ${version}: passed`);
    outcomes.push(true);
  } catch (error) {
    console.log(`node ${version}: FAILED: ${error.message}`);
    outcomes.push(false);
  }
}
writeFileSync(
  process.argv[2],
  JSON.stringify({
    numPassedTests: outcomes.filter(Boolean).length,
    numFailedTests: outcomes.filter((passed) => !passed).length,
  }),
);
process.exit(outcomes.every(Boolean) ? 0 : 1);
