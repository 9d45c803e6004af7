import { z } from 'zod';

const FORM =
  'origins such as https://shop.example, separated by commas, each without a path and as a browser sends it; or *';

/** True for an origin as a browser writes it: in lower case, without the scheme's own port, a path or a slash. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, origin } = new URL(text);
  // A parser takes *.shop.example for a name, and no page would ever match it.
  return /^https?:$/.test(protocol) && !hostname.includes('*') && origin === text;
}

/** A list of origins, or `*` alone. */
export const corsVariable = z
  .string()
  .transform((text): readonly string[] => text.split(',').map((item) => item.trim()))
  .refine((items) => items.every(isOrigin) || (items.length === 1 && items[0] === '*'), { error: FORM });
