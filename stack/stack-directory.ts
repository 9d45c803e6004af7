import { fileURLToPath } from 'node:url';

/** Data, logs and downloads of the stack; not part of the repository. */
export const STACK_DIRECTORY = fileURLToPath(new URL('../.stack', import.meta.url));
