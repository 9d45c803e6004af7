const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** The credential in an Authorization header; undefined where it holds none of this kind. */
export function credentialIn(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}
