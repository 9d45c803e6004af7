import { format } from 'node:util';
import { type LoggerService } from '@nestjs/common';

/** The context of lines that come from Node or a library. */
const CONTEXT = 'Process';

/**
 * Sends everything through the logger that would otherwise reach the terminal directly: Node's warnings, what libraries
 * write to the console, and the uncaught error that ends the process. So every line has a level, an instant and the
 * same format.
 */
export function captureProcessOutput(logger: LoggerService): void {
  // Node's own listener writes several lines to standard error.
  process.removeAllListeners('warning');
  process.on('warning', (warning: Error & { readonly code?: string }) => {
    const { name, code, message } = warning;
    logger.warn({ message, event: 'process.warning', name, code }, CONTEXT);
  });
  // Unhandled rejections come here, too. Node's own handler would also end the process.
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
