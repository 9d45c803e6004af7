/**
 * Faults that `--gate` leaves out to save time. A full run has all of them.
 *
 * The first part are variants: the gate runs another fault of the same row or kind, or the adapter's own suite covers
 * the fault. The second part takes half a minute and more each; the gate runs a shorter fault of the same kind.
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

  'the database refuses every coupon for 20 s, with an error that nobody knows',
  'a worker is stopped beyond its session and comes back',
  'an api is frozen between gate and log while Redis comes back empty, and goes on 30 s later',
  'a builder that has no way to the log keeps nobody else from building',
  'Kafka is frozen for 20 s',
  'the total is raised and lowered, the campaign paused and resumed while the gate is being rebuilt',
  'two installations on one topic and one group: none of 200 promised claims is lost',
  'the line drops what Redis answers for 5 s',
  'the old master lives on, with one api on each',
  'a sweeper whose clock is fast takes no claim for lost that waits for the consumer',
]);

/**
 * Faults that only `--nightly` has, because each of them takes minutes: they need servers of their own, or more rows
 * than a test makes one by one.
 */
export const NIGHTLY: ReadonlySet<string> = new Set(['an open campaign has a million coupons, and Redis is flushed']);
