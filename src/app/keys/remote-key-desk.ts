import { type KeyOrder } from '../../modules/keys/key-administration.js';
import { type KeyJson } from '../../modules/keys/key-json.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { callService, refusalIn } from '../../platform/identity/service-call.js';
import { type KeyDesk } from './key-desk.js';

const PATH = '/api/admin/keys';
const APPROVALS = '/api/admin/approvals';
/** One call, ms. */
const DEADLINE_MS = 30_000;

interface Page {
  readonly items: readonly KeyJson[];
  readonly nextCursor: string | null;
}

/** The keys of a service that runs, through its admin calls. */
export class RemoteKeyDesk implements KeyDesk {
  /**
   * @param place the address of the service; with the path that a proxy in front strips, where the calls go through one.
   * @param token ADMIN_TOKEN, or an API key of role admin.
   */
  constructor(
    readonly place: string,
    private readonly token: string,
  ) {}

  async create({ name, role, expiresAt }: KeyOrder): Promise<KeyJson & { readonly key: string }> {
    const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
    const answer = await this.call('POST', PATH, { name, role, expiresAt: expires });
    if (answer.status === 202) {
      // Nobody would have the text of the key when the other admin has approved it.
      const { id } = (await answer.json()) as { readonly id: string };
      await this.call('POST', `${APPROVALS}/${id}/reject`);
      throw new StartupError(
        `a second admin has to approve a key of the role ${role} (TWO_PERSON): POST ${PATH} shows its text beside the request; ` +
          'or run this command on the database',
      );
    }
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
    if (answer.status === 202) {
      const approval = (await answer.json()) as { readonly id: string; readonly expiresAt: string };
      const path = `${APPROVALS}/${approval.id}/approve`;
      throw new StartupError(`another admin has to approve it until ${approval.expiresAt} (TWO_PERSON): POST ${path}`);
    }
    return (await this.body(answer, 200)) as KeyJson;
  }

  private call(method: string, path: string, body?: object): Promise<Response> {
    return callService(this.place, path, this.token, {
      method,
      ...(body === undefined ? {} : { body }),
      deadlineMs: DEADLINE_MS,
    });
  }

  private async body(answer: Response, expected: number): Promise<unknown> {
    if (answer.status === expected) return answer.json();
    throw await refusalIn(this.place, answer);
  }
}

async function codeOf(answer: Response): Promise<string | undefined> {
  return ((await answer.json().catch(() => ({}))) as { code?: string }).code;
}
