import { StartupError } from '../platform/config/startup-error.js';

/**
 * Explains why a command failed: one line if the operator can fix it, with the usage for a wrong call, otherwise the
 * stack.
 */
export function explainCommand(error: unknown, usage: string): string {
  if (error instanceof StartupError) return error.message;
  // Thrown by parseArgs, and by the commands themselves for wrong options.
  if (error instanceof TypeError) return `${error.message}\n${usage}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
