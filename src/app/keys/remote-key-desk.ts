import { type KeyOrder } from '../../modules/keys/key-administration.js';
import { type KeyJson } from '../../modules/keys/key-json.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { type KeyDesk } from './key-desk.js';

const PATH = '/api/admin/keys';
/** One call, ms. */
const DEADLINE_MS = 30_000;

interface Page {
  readonly items: readonly KeyJson[];
  readonly nextCursor: string | null;
}

/** The keys of a service that runs, through its admin calls. */
export class RemoteKeyDesk implements KeyDesk {
  readonly place: string;

  /**
   * @param url of the service, with its BASE_PATH.
   * @param token ADMIN_TOKEN, or an API key of role admin.
   */
  constructor(
    url: string,
    private readonly token: string,
  ) {
    this.place = url.replace(/\/+$/, '');
  }

  async create({ name, role, expiresAt }: KeyOrder): Promise<KeyJson & { readonly key: string }> {
    const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
    const answer = await this.call('POST', PATH, { name, role, expiresAt: expires });
    return (await this.body(answer, 201)) as KeyJson & { readonly key: string };
  }

  async *list(): AsyncGenerator<KeyJson> {
    let query = '';
    for (;;) {
      const { items, nextCursor } = (await this.body(await this.call('GET', PATH + query), 200)) as Page;
      yield* items;
      if (nextCursor === null) return;
      query = `?cursor=${encodeURIComponent(nextCursor)}`;
    }
  }

  async revoke(id: string): Promise<KeyJson | null> {
    const answer = await this.call('DELETE', `${PATH}/${id}`);
    if (answer.status === 404 && (await codeOf(answer.clone())) === 'key-not-found') return null;
    return (await this.body(answer, 200)) as KeyJson;
  }

  private async call(method: string, path: string, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, 'accept-language': 'en' };
    try {
      return await fetch(this.place + path, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // The credential is for this service and no other one.
        redirect: 'error',
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
    } catch (error) {
      const { cause, message } = error as Error;
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : message;
      throw new StartupError(`${this.place} does not answer: ${reason}`);
    }
  }

  private async body(answer: Response, expected: number): Promise<unknown> {
    if (answer.status === expected) return answer.json();
    const { code, detail, errors } = await problemOf(answer);
    const told = errors?.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ') ?? detail;
    throw new StartupError(`${this.place} answered ${answer.status} ${code ?? ''}: ${told ?? 'no reason was given'}`);
  }
}

interface ProblemText {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

async function problemOf(answer: Response): Promise<ProblemText> {
  return (await answer.json().catch(() => ({}))) as ProblemText;
}

async function codeOf(answer: Response): Promise<string | undefined> {
  return (await problemOf(answer)).code;
}
