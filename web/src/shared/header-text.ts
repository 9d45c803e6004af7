/**
 * May the text stand in a header? `fetch` throws at a letter beyond Latin, before anything is sent, and that looks like a
 * service that is away.
 */
export const fitsHeader = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
