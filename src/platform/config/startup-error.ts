/** The process cannot start, and the operator can do something about it: shown as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
