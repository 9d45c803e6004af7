interface Named {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

/** Does a campaign match what the operator looks for? An empty search, and an empty state, match all. */
export function matches({ id, name, state }: Named, search: string, wanted: string): boolean {
  if (wanted !== '' && state !== wanted) return false;
  const words = fold(search).split(/\s+/).filter(Boolean);
  const text = fold(`${name} ${id}`);
  return words.every((word) => text.includes(word));
}

/** Hangul that was typed in parts, and capital letters, count as the same. */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}
