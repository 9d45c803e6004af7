/** The process cannot start, and the operator can fix the cause. It is shown as one line, without a stack. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';
}

/** The environment cannot be used. The message has one line for each mistake, and never the value of a secret. */
export class ConfigurationError extends StartupError {
  override readonly name = 'ConfigurationError';

  constructor(readonly mistakes: readonly string[]) {
    super(mistakes.join('\n'));
  }
}
