/**
 * Ends a process that can no longer do its work. Its supervisor starts it again. The delay lets the last log lines be
 * written.
 */
export function exitSoon(): void {
  setTimeout(() => process.exit(1), 200);
}
