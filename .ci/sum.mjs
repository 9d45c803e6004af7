// Adds up what the suites reported; its last line is the gate's last line.
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    console.log(`${file}: the suite wrote no result`);
    failed += 1;
    continue;
  }
  const result = JSON.parse(readFileSync(file, 'utf8'));
  passed += result.numPassedTests;
  // A suite that could not even be loaded has no failed test; a skipped one has not been run.
  failed += result.numFailedTests + (result.numRuntimeErrorTestSuites ?? 0) + (result.numPendingTests ?? 0);
}
if (passed === 0) failed += 1;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
