/**
 * Faults that `--gate` leaves out to save time, because it runs another fault of the same row or kind, or the adapter's
 * own suite covers the fault. A full run has all of them.
 */
export const VARIANTS: ReadonlySet<string> = new Set([
  'an api is killed with -9 in the middle of a burst',
  'Redis loses the key applied_user of the campaign',
  'Redis loses the key pending of the campaign',
  'a worker is killed with -9 in the middle of a batch',
  'the database is frozen for 30 s',
  'the password is another one for 20 s',
  'others have taken every connection of the server for 20 s',
  'the database is full for 20 s',
  'Redis has no memory left for 10 s',
  'Kafka is away when an api and a worker start, which join when it comes',
  'SIGTERM under load: api out in 10 s, and nobody is left without answer',
  'SIGTERM under load: worker out in 10 s, and nobody is left without answer',
  'the total is raised and lowered, the campaign paused and resumed under load',
  'failed events are discarded and requeued while the gate is being rebuilt',
  'the disk is full for 10 s',
  'kill -9 while the disk is full: it starts when there is room again, and says what is missing before',
  '20 campaigns sell to the same users at once, and Redis is flushed',
  'two deployments share a Redis, which is flushed and then restarted',
  'every process is replaced by one of the build before, on the later schema',
]);

/**
 * Faults that only `--nightly` has, because each of them takes minutes: they need servers of their own, or more rows
 * than a test makes one by one.
 */
export const NIGHTLY: ReadonlySet<string> = new Set(['an open campaign has a million coupons, and Redis is flushed']);
