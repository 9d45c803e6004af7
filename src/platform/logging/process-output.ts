import { format } from 'node:util';
import { type LoggerService } from '@nestjs/common';

/** The context of lines that no part of the service wrote. */
const CONTEXT = 'Process';

/**
 * Leads what would reach the terminal past the logger through it: Node's warnings, what libraries write to the console,
 * and the last words of a process that ends with an error nobody caught. So every line has the one format, level and
 * instant.
 */
export function captureProcessOutput(logger: LoggerService): void {
  // The listener that is there is Node's own, which writes several lines to standard error.
  process.removeAllListeners('warning');
  process.on('warning', (warning: Error & { readonly code?: string }) => {
    const { name, code, message } = warning;
    logger.warn({ message, event: 'process.warning', name, code }, CONTEXT);
  });
  // A rejection that nobody handles comes here, too. Node's own handler would end the process just the same.
  process.on('uncaughtException', (error: unknown, origin) => {
    const message = 'the process ends: nothing handled an error';
    logger.fatal?.({ message, event: 'process.crashed', origin, error }, CONTEXT);
    process.exit(1);
  });
  console.log = console.info = (...words: unknown[]) => void logger.log(format(...words), CONTEXT);
  console.warn = (...words: unknown[]) => void logger.warn(format(...words), CONTEXT);
  console.error = (...words: unknown[]) => void logger.error(format(...words), CONTEXT);
  console.debug = (...words: unknown[]) => void logger.debug?.(format(...words), CONTEXT);
}
