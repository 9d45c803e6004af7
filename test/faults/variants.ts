/**
 * Faults of which another one of the same row, or of the same kind, is in the project's gate already. The gate has no
 * time for all of them; a full run has.
 */
export const VARIANTS: ReadonlySet<string> = new Set([
  'an api is killed with -9 in the middle of a burst',
  'Redis loses the key applied_user of the campaign',
  'Redis loses the key pending of the campaign',
  'Kafka is frozen for 20 s',
  'a worker is killed with -9 in the middle of a batch',
  'the database is frozen for 30 s',
  'the password is another one for 20 s',
  'others have taken every connection of the server for 20 s',
  'the database is full for 20 s',
  'SIGTERM under load: api out in 10 s, and nobody is left without answer',
  'SIGTERM under load: worker out in 10 s, and nobody is left without answer',
  'the total is raised and lowered, the campaign paused and resumed under load',
]);
