// Tries the built service with schemathesis: every operation of its OpenAPI document, with a bounded number of requests
// that fit the document and of requests that do not. What it installs and writes lies in a temporary directory.
// With a file's name: writes there how many operations passed and how much was found, as .ci/sum.mjs reads it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ADMIN_TOKEN = 'schemathesis-0123456789-abcdefghijkl';
const START_MS = 60_000;
const STOP_MS = 15_000;
/** It takes about two minutes; a service that hangs must not hold the gate for ever. */
const RUN_MS = 20 * 60_000;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'coupon-api-'));

/** @returns the directory of the programs of a Python environment with the pinned packages. */
function installed() {
  const python = process.env.PYTHON ?? 'python3';
  try {
    execFileSync(python, ['-m', 'venv', join(directory, 'python')], { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    throw new Error(`schemathesis needs Python 3.10 or later with venv (Debian: python3-venv): ${error.message}`);
  }
  const programs = join(directory, 'python', 'bin');
  const options = ['--quiet', '--disable-pip-version-check', '--requirement', here('requirements.txt')];
  execFileSync(join(programs, 'pip'), ['install', ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
  return programs;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function started(url, port) {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
  if (!existsSync(main)) throw new Error('the service is not built: run npm run build first');
  const service = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      DATA_DIR: join(directory, 'data'),
      ADMIN_TOKEN,
      DEFAULT_CAMPAIGN_TOTAL: '1000000',
      LOG_LEVEL: 'error',
    },
    // Where no .env is.
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const deadline = Date.now() + START_MS;
  for (;;) {
    const { ok } = await fetch(`${url}/health/ready`).catch(() => ({ ok: false }));
    if (ok) return service;
    if (service.exitCode !== null || Date.now() > deadline) {
      service.kill('SIGKILL');
      throw new Error('the service does not start');
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

async function ended(child, limitMs, signal) {
  const kill = setTimeout(() => child.kill('SIGKILL'), limitMs);
  if (signal !== undefined) child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  clearTimeout(kill);
  return child.exitCode;
}

async function admin(url, path, init = {}) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { ...init, headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** @returns the report that schemathesis has written. */
async function tried(programs, url) {
  const { id } = await admin(url, '/api/admin/campaigns', {
    method: 'POST',
    body: JSON.stringify({ name: 'closed again and again', total: 1 }),
  });
  for (const file of ['schemathesis.toml', 'explained.py']) copyFileSync(here(file), join(directory, file));
  const report = join(directory, 'report.json');
  const reports = ['--report', 'json', '--report-json-path', report];
  const child = spawn(join(programs, 'schemathesis'), ['run', `${url}/docs-json`, '--no-color', ...reports], {
    env: { ...process.env, ADMIN_TOKEN, CAMPAIGN_TO_CLOSE: id },
    // Where it looks for its configuration and hooks, and leaves what it remembers.
    cwd: directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await ended(child, RUN_MS);
  return JSON.parse(readFileSync(report, 'utf8'));
}

async function result() {
  const programs = installed();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = await started(url, port);
  try {
    const { operations, failures, errors, complete } = await tried(programs, url);
    const found = failures.reduce((sum, { count }) => sum + count, 0) + errors.length;
    const untried = operations.total - operations.tested;
    const { drift } = await admin(url, '/api/admin/campaigns/default/audit');
    const wrong = [
      found > 0 && `${found} findings`,
      untried > 0 && `${untried} operations were not tried`,
      !complete && 'schemathesis did not come to its end',
      drift !== 0 && `the audit of the campaign default has a drift of ${drift}`,
    ].filter((text) => text !== false);
    console.log(`schemathesis: ${operations.tested} operations tried; ${wrong.join(', ') || 'nothing found'}`);
    return {
      numPassedTests: wrong.length === 0 ? operations.tested : 0,
      numFailedTests: found + untried + wrong.length,
    };
  } finally {
    const code = await ended(service, STOP_MS, 'SIGTERM');
    if (code !== 0) throw new Error(`the service ended with ${code}`);
  }
}

let sum;
try {
  sum = await result();
} catch (error) {
  console.error(error.message);
  sum = { numPassedTests: 0, numFailedTests: 1 };
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (process.argv[2] !== undefined) writeFileSync(process.argv[2], JSON.stringify(sum));
process.exit(sum.numFailedTests === 0 ? 0 : 1);
