/**
 * True if the caller of a change has seen this version of the row. Ask under the row's lock, or the version may change
 * before the row does.
 */
export type VersionCondition = (version: number) => boolean;
