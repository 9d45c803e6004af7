import createClient from 'openapi-fetch';
import { language } from '../shared/language.ts';
import { BASE } from '../shared/paths.ts';
import { type components, type paths } from './schema.ts';

/** The shapes of the service's OpenAPI document. The build makes them, so a page that asks for what is gone fails it. */
export type Schemas = components['schemas'];

/** What the service said instead of doing it (RFC 9457). */
export interface Problem {
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly status: number;
  readonly requestId?: string;
  /** Each mistake of a form, by JSON pointer. */
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly detail: string }[];
  /** gate-not-told: is the change in the database? */
  readonly stored?: boolean;
  /** gate-not-told: what the gate did. */
  readonly gate?: 'refused' | 'unknown' | 'rebuilding';
  /** approval-outdated: the problem that it would be now. */
  readonly reason?: string;
  /** approval-outdated: what the operators have not seen. */
  readonly now?: Readonly<Record<string, unknown>>;
}

/** Calls of the service, typed by its own document. */
export const api = createClient<paths>({ baseUrl: BASE.replace(/\/$/, '') });

api.use({
  onRequest({ request }) {
    request.headers.set('accept-language', language.value);
    // The service takes a change that comes with a cookie only from a page of its own.
    request.headers.set('x-requested-with', 'coupon-pages');
    return request;
  },
});
