import { join } from 'node:path';
import { type AppConfig } from '../config/env.js';
import { StartupError } from '../config/startup-error.js';
import { readTextFile } from '../config/text-file.js';
import { ADMIN_TOKEN_FILE } from './admin-token.js';

/**
 * What a command shows to a service: what is in `file`, or else the admin token of this configuration.
 * @returns undefined when there is none.
 * @throws StartupError, never with a part of the text.
 */
export function commandToken(
  { adminToken, dataDir }: Pick<AppConfig, 'adminToken' | 'dataDir'>,
  file?: string,
): string | undefined {
  if (file !== undefined) {
    const outcome = readTextFile(file);
    if ('why' in outcome) throw new StartupError(`--token-file: ${outcome.why}`);
    return oneToken(outcome.text, '--token-file: it');
  }
  if (adminToken !== undefined) return adminToken;
  const path = join(dataDir, ADMIN_TOKEN_FILE);
  const outcome = readTextFile(path);
  return 'text' in outcome ? oneToken(outcome.text, path) : undefined;
}

/** A call of a command to a service. The credential is for this service, so no redirect is followed. */
export interface ServiceCall {
  readonly method?: string;
  readonly body?: object;
  /** How long it may take, with its body, ms; by default as long as it takes. */
  readonly deadlineMs?: number;
}

/**
 * @param url of the service; with the path that a proxy in front strips, where the call goes through one.
 * @throws StartupError when no answer comes. It holds no text of `fetch`, which shows a header that it does not like.
 */
export async function callService(
  url: string,
  path: string,
  token: string,
  { method = 'GET', body, deadlineMs }: ServiceCall = {},
): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'accept-language': 'en' };
  try {
    return await fetch(url + path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      ...(deadlineMs === undefined ? {} : { signal: AbortSignal.timeout(deadlineMs) }),
    });
  } catch (error) {
    throw new StartupError(`${url} does not answer: ${reasonOf(error as Error)}`);
  }
}

/** The refusal in an answer, in one line. */
export async function refusalIn(url: string, answer: Response): Promise<StartupError> {
  const { code, detail, errors } = (await answer.json().catch(() => ({}))) as ProblemText;
  const told = errors?.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ') ?? detail;
  const wait = answer.headers.get('retry-after');
  const again = wait === null ? '' : ` (try again in ${wait} s)`;
  return new StartupError(
    `${url} answered ${answer.status}${code === undefined ? '' : ` ${code}`}: ${told ?? 'no reason was given'}${again}`,
  );
}

interface ProblemText {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

function oneToken(text: string, place: string): string {
  const token = text.trim();
  if (token === '') throw new StartupError(`${place} is empty`);
  // A second line would be a second header, or make fetch fail with the whole text in its error.
  if (!/^[\x21-\x7e]+$/.test(token)) throw new StartupError(`${place} does not hold one token`);
  return token;
}

function reasonOf(error: Error): string {
  const { message = '', code = '' } = (error.cause ?? {}) as NodeJS.ErrnoException;
  if (message !== '' || code !== '') return message === '' ? code : message;
  return error.name === 'TimeoutError' ? 'the time is over' : 'the request failed';
}
