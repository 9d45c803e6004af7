import { api, type Schemas } from '../api/client.ts';
import { answerOf, headersOf, PATIENCE_MS, type Who } from './calls.ts';
import { type Answer } from './claim-steps.ts';
import { prove } from './proof-of-work.ts';

export type Entered = { readonly token: string } | { readonly answer: Answer };

/** A token is asked for again before it ends, ms. */
const MARGIN_MS = 5_000;

const refused = (code: string): Entered => ({ answer: { status: 403, code } });

/** The token of one person's entry to one campaign. It is got before the sale, where there is time for it. */
export class Entry {
  private got: { readonly token: string; readonly expiresAt: number } | null = null;
  private getting: Promise<Entered> | null = null;

  /** @param now by the service's clock, ms. */
  constructor(
    private readonly campaignId: string,
    private readonly who: () => Who,
    private readonly now: () => number,
  ) {}

  /** The token, if it is still good; null otherwise. */
  get token(): string | null {
    return this.got !== null && this.got.expiresAt - MARGIN_MS > this.now() ? this.got.token : null;
  }

  /** Gets a token. Calls at the same time share one. @param isStale what is kept was refused. */
  async enter(isStale: boolean): Promise<Entered> {
    if (isStale) this.got = null;
    const { token } = this;
    if (token !== null) return { token };
    this.getting ??= this.pass().finally(() => (this.getting = null));
    return this.getting;
  }

  private async pass(): Promise<Entered> {
    try {
      const posed = await this.pose();
      if ('answer' in posed) return posed;
      if (posed.challenge === 'turnstile') return refused('challenge-unsupported');
      const answer = posed.challenge === 'none' ? undefined : await prove(posed);
      if (answer === null) return refused('challenge-needs-https');
      const who = this.who();
      const { data, error, response } = await api.POST('/api/campaigns/{campaignId}/entry', {
        params: { path: { campaignId: this.campaignId } },
        body: {
          ...(who.kind === 'name' ? { userId: who.userId } : {}),
          ...(answer === undefined ? {} : { answer }),
        } as Schemas['EntryRequest'],
        headers: headersOf(who),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (data === undefined) return { answer: answerOf(response, error) };
      this.got = { token: data.token, expiresAt: Date.parse(data.expiresAt) };
      return { token: data.token };
    } catch {
      return { answer: { status: null } };
    }
  }

  private async pose(): Promise<Schemas['Challenge'] | { readonly answer: Answer }> {
    const who = this.who();
    const { data, error, response } = await api.GET('/api/campaigns/{campaignId}/challenge', {
      params: {
        path: { campaignId: this.campaignId },
        query: who.kind === 'name' ? { userId: who.userId } : {},
      },
      headers: headersOf(who),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return data ?? { answer: answerOf(response, error) };
  }
}
