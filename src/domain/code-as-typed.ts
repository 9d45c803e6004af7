/** I, L and O are in no code, since they are easily misread. Crockford's rules say what each of them stands for. */
const MEANT: Readonly<Record<string, string>> = { I: '1', L: '1', O: '0' };

/**
 * The code, or the id of a claim, that a person may have meant who has copied it by hand: in lower case, in groups with
 * hyphens or spaces, with O for 0 and I or L for 1.
 *
 * @returns the text as the service writes it, which may be the same; null where it can be neither of them.
 */
export function codeAsTyped(text: string): string | null {
  const plain = text
    .replace(/[ -]/g, '')
    .toUpperCase()
    .replace(/[ILO]/g, (letter) => MEANT[letter] as string);
  return /^(?:[0-9A-HJKMNP-TV-Z]{16}|[0-9A-HJKMNP-TV-Z]{26})$/.test(plain) ? plain : null;
}
