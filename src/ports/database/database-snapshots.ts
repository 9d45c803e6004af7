/** A copy of the whole database in one file, as it was at one instant. */
export interface DatabaseSnapshot {
  readonly kind: 'taken';
  /** Where the file lies until {@link release}. */
  readonly path: string;
  readonly bytes: number;
  /** Deletes the file. Until then no other snapshot is taken. */
  release(): Promise<void>;
}

export type SnapshotOutcome =
  | DatabaseSnapshot
  /** Another snapshot is being taken, or has not been released. */
  | { readonly kind: 'backup-under-way' }
  /** The copy would leave too little room on the disk for claims; both in bytes. */
  | { readonly kind: 'not-enough-space'; readonly needed: number; readonly free: number };

/** Copies the database while claims go on. Only the embedded profile has one: a server has its own tools. */
export abstract class DatabaseSnapshots {
  /** @throws Error when the disk refuses, or the copy is not sound. */
  abstract take(): Promise<SnapshotOutcome>;
}
