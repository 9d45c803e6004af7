import { type CorsOrigins } from '../browsers/cors.js';

/**
 * The origins whose pages may show a drop in a frame. `*` lets every page call with a token that it has; it does not let
 * every page put the button under something else that a person means to click.
 */
export function embeddingOriginsOf(origins: CorsOrigins): readonly string[] {
  return (origins ?? []).filter((origin) => origin !== '*');
}
