/** What a link to a heading of this page may end with, as GitHub makes it. */
export function anchorsOf(markdown: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The page without its fenced blocks. */
export function withoutCode(markdown: string): string {
  return markdown.replace(CODE_BLOCK, '');
}

/** The fenced blocks of a page. */
export function codeIn(markdown: string): string {
  return (markdown.match(CODE_BLOCK) ?? []).join('\n');
}

const CODE_BLOCK = /^ *```.*?^ *```/gms;
