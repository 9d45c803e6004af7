/**
 * Whether the caller of a change has seen this version of the row. To be asked under the row's lock, or the version may
 * move between the question and the change.
 */
export type VersionCondition = (version: number) => boolean;
