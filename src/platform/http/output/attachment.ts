/** Characters that a file system, or a shell, takes for something else. */
const UNSAFE = /[\\/:*?"<>|%\p{C}]/gu;
/** A file's name has at most 255 bytes, and a letter of Hangul has three. */
const MAX_LETTERS = 50;

/**
 * The header `content-disposition` of a file. Browsers take the second name (RFC 6266), which may have any letter; the
 * first is for clients that know no other.
 *
 * @param plain letters, digits and hyphens, such as `coupons-default`.
 * @param forPeople as people call it, such as a campaign's name.
 * @param extension such as `csv`.
 */
export function attachment(plain: string, forPeople: string, extension: string): string {
  const readable = [...forPeople.replace(UNSAFE, '_')].slice(0, MAX_LETTERS).join('').trim();
  const escaped = encodeURIComponent(`${plain}-${readable}.${extension}`).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}.${extension}"; filename*=UTF-8''${escaped}`;
}
