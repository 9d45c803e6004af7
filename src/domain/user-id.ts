/**
 * Which ids a user may have. The ids that identity providers give fit: `auth0|5f7c88b8`, `kim@example.com`, a URN.
 *
 * Only ASCII: a database collation could otherwise treat two users as one, while the gate keeps them apart. No slash, no
 * space, no quote, no brace: an id travels in a path, a log line, a CSV file and the key of a message. `.` and `..` are
 * refused, because a URL client resolves `/claims/..` to `/` before it sends anything: such a user could never ask.
 */
export const USER_ID = /^(?!\.{1,2}$)[A-Za-z0-9._@|:+=~-]{1,128}$/;

/** In a path: the user who calls. No token may name its user so: that user could claim and never ask. */
export const ME = 'me';
