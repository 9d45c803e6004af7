import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLAIM = `${ROOT}src/domain/claim.ts`;

/** Compiles src without its specs, with one more field behind `anchor` in `src/domain/claim.ts`; says where it fails. */
function placesThatStop(anchor: string, field: string): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${ROOT}tsconfig.build.json`,
    { noEmit: true, incremental: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => fail(messageText) },
  );
  if (config === undefined) return fail('tsconfig.build.json cannot be read');
  const host = ts.createCompilerHost(config.options);
  const text = readFileSync(CLAIM, 'utf8');
  if (text.split(anchor).length !== 2) return fail(`${anchor} does not stand once in ${CLAIM}`);
  const readFile = host.readFile.bind(host);
  host.readFile = (name) => (name === CLAIM ? text.replace(anchor, `${anchor}\n  ${field};`) : readFile(name));
  const program = ts.createProgram(config.fileNames, config.options, host);
  const places = program.getSemanticDiagnostics().map(({ file, start }) => {
    if (file === undefined || start === undefined) return 'no file';
    return `${file.fileName.slice(ROOT.length)} ${nameAround(file, start)}`;
  });
  return [...new Set(places)].sort();
}

/** The function, class or constant that a position lies in. */
function nameAround(file: ts.SourceFile, position: number): string {
  let found = 'the file itself';
  const visit = (node: ts.Node): void => {
    if (position < node.getStart(file) || position >= node.end) return;
    const isNamed =
      ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      (ts.isVariableStatement(node) && node.parent === file);
    if (isNamed) {
      found = (ts.isVariableStatement(node) ? node.declarationList.declarations[0] : node)?.name?.getText() ?? found;
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function fail(reason: unknown): never {
  throw new Error(String(reason));
}

describe('a field that is added to a claim', () => {
  it('stops the compiler at each place that has to know it', () => {
    expect(placesThatStop('export interface Claim extends ClaimReference {', 'channel: string')).toEqual([
      'src/domain/claim.ts claimEventSchema',
      'src/domain/claim.ts decodeClaimEvent',
      'src/domain/claim.ts decodeRecord',
      'src/domain/claim.ts encodeClaimEvent',
      'src/domain/claim.ts encodeRecord',
      'src/infrastructure/in-process-gate/in-process-gate-builder.ts stage',
      'src/infrastructure/in-process-gate/in-process-issuance-gate.ts claim',
      // The scripts themselves: gate-script.spec.ts compares their names with the fields that are sent.
      'src/infrastructure/redis/gate-arguments.ts claimArguments',
      'src/infrastructure/sql/claim-columns.ts CLAIM_COLUMNS',
      'src/infrastructure/sql/entities/coupon.entity.ts CouponEntity',
      'src/infrastructure/sql/entities/failed-event.entity.ts FailedEventEntity',
      'src/infrastructure/sql/stores/failed-event-rows.ts NO_CLAIM',
      'src/infrastructure/sql/stores/failed-event-rows.ts claimOf',
      'src/infrastructure/sql/stores/failed-event-rows.ts toFailedEvent',
      'src/infrastructure/sql/stores/sql-coupon-store.ts issuedClaimOf',
      'src/infrastructure/sql/stores/sql-coupon-store.ts toIssuedClaim',
      'src/modules/consumer/claim-persistence.ts acceptsCoupons',
      'src/modules/consumer/claim-persistence.ts insertCoupons',
      'src/modules/coupons/coupon-lines.ts COLUMNS',
      'src/modules/coupons/coupon-lines.ts of',
      'src/modules/issuance/claim-issuance.ts apply',
      'src/modules/issuance/claim-issuance.ts eventOf',
      'src/modules/recovery/stage-coupons.ts stageCoupons',
    ]);
  });
});
