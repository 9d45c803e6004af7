import { BASE_PATH } from '../shared/paths.ts';

/** Where the console is, without `/` at the end. */
export const CONSOLE = `${BASE_PATH}console`;

/** `consolePath('/campaigns/default')`: the address of a page of the console, for a link. */
export function consolePath(path: string): string {
  return CONSOLE + path;
}
