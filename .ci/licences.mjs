// Refuses production dependencies whose licence is not on the list.
//
// usage: node .ci/licences.mjs [FILE]
//   FILE: where the SBOM (CycloneDX, JSON) is written; `-` reads one from standard input instead of asking npm.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Licences that ask for no more than their text beside a copy: SPDX names. A new one is a decision of its own. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Of an SPDX expression: every part of an AND, or one part of an OR. Parentheses are read as far as packages use them. */
function isAllowed(expression) {
  const text = expression.trim().replace(/^\(([^()]*)\)$/, '$1');
  if (/ OR /.test(text)) return text.split(' OR ').some(isAllowed);
  if (/ AND /.test(text)) return text.split(' AND ').every(isAllowed);
  return ALLOWED.has(text);
}

function licencesOf({ licenses = [] }) {
  return licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? 'unknown');
}

const [file] = process.argv.slice(2);
const sbom =
  file === '-'
    ? readFileSync(0, 'utf8')
    : execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
if (file !== undefined && file !== '-') writeFileSync(file, sbom);

const { components } = JSON.parse(sbom);
const refused = components.flatMap((component) => {
  const licences = licencesOf(component);
  // Several entries hold together, as an AND does. A package that names none may not be used at all.
  if (licences.length > 0 && licences.every(isAllowed)) return [];
  return [`${component.name} ${component.version}: ${licences.join(' AND ') || 'no licence'}`];
});
for (const line of refused) console.error(`licence not allowed: ${line}`);
console.log(`${components.length} production dependencies, ${refused.length} with a licence that is not allowed`);
process.exit(refused.length === 0 && components.length > 0 ? 0 : 1);
