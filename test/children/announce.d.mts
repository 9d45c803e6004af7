export function announce(line: string): void;
