import { type SqlDialect } from '../sql-dialect.js';

/**
 * Every identifier that comes from outside is an ascii_bin column: default collations take alice, Alice and álice for
 * one user, and PAD SPACE takes "alice " for "alice", while the gate keeps them apart. An accepted claim would vanish
 * as a duplicate.
 */
export function identifier(dialect: SqlDialect, length: number): string {
  return dialect.name === 'sqlite' ? 'TEXT' : `VARCHAR(${length}) CHARACTER SET ascii COLLATE ascii_bin`;
}
