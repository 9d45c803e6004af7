const TOKEN = /^Bearer +(e[wy][\w-]*\.[\x21-\x7e]*) *$/i;

/**
 * The text in an Authorization header that looks like a user's token: base64url of `{`, and a dot. Undefined for every
 * other text, such as an API key. It tells the form alone; `TokenVerifier` tells whether the token is right.
 */
export function userTokenIn(authorization: string): string | undefined {
  return TOKEN.exec(authorization)?.[1];
}
