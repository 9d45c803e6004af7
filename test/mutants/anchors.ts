import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Edit } from './mutants.js';

const ANCHOR = /^ *(?:\/\/|--) mutant: (\S+)$/;

/** The place of a comment `mutant: <name>`. */
export interface Anchor {
  readonly name: string;
  readonly file: string;
  /** The index of the line below the comment. */
  readonly line: number;
}

/** @returns all anchors in the TypeScript and Lua files of a directory. */
export function anchorsIn(directory: string): Anchor[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|lua)$/.test(file))
    .flatMap((file) =>
      linesOf(join(directory, file)).flatMap((text, index) => {
        const name = ANCHOR.exec(text)?.[1];
        return name === undefined ? [] : [{ name, file: join(directory, file), line: index + 1 }];
      }),
    );
}

/** @throws Error if the edit does not fit the line below the anchor. */
export function editedLine({ file, line }: Anchor, { anchor, find, replace }: Edit): string {
  const text = linesOf(file)[line] ?? '';
  if (!find.test(text)) throw new Error(`mutant ${anchor}: ${file} has no ${String(find)} in the line\n${text}`);
  return text.replace(find, replace);
}

/** Writes the edits into the files of a directory. @throws Error unless each has exactly one anchor there. */
export function applyEdits(directory: string, edits: readonly Edit[]): void {
  for (const edit of edits) {
    const anchors = anchorsIn(directory).filter(({ name }) => name === edit.anchor);
    const [anchor] = anchors;
    if (anchor === undefined || anchors.length > 1) {
      throw new Error(`${directory} has ${anchors.length} comments "mutant: ${edit.anchor}"`);
    }
    writeFileSync(anchor.file, linesOf(anchor.file).with(anchor.line, editedLine(anchor, edit)).join('\n'));
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n');
}
