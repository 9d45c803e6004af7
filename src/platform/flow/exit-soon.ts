/**
 * Ends a process that can do its work no more; whoever watches it starts it again. Gives what was logged the time to be
 * written.
 */
export function exitSoon(): void {
  setTimeout(() => process.exit(1), 200);
}
