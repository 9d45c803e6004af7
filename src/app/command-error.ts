import { ConfigurationError } from '../platform/config/configuration-error.js';
import { StartupError } from '../platform/config/startup-error.js';

/** One line for what the operator can mend, the usage for a wrong call, a stack for what only a developer can. */
export function explainCommand(error: unknown, usage: string): string {
  if (error instanceof ConfigurationError || error instanceof StartupError) return error.message;
  // What parseArgs refuses, and what the commands refuse themselves.
  if (error instanceof TypeError) return `${error.message}\n${usage}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
