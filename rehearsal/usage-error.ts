/** The command was called in a way that cannot work. It ends with 2, and this is what it prints. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
