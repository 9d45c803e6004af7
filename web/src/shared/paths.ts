/** Where the service is, with `/` at the end: a proxy may have put a path in front. */
export const BASE = new URL('./', document.baseURI).href;

/** The same as a path, for routes and links. */
export const BASE_PATH = new URL(BASE).pathname;
