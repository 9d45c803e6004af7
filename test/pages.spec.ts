import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, codeIn, withoutCode } from './support/markdown.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['.ci', 'bench', 'docs', 'oracle', 'ops', 'rehearsal', 'src', 'stack', 'test', 'web'];

/** Every file and folder of the repository that a page may name. */
const PATHS = FOLDERS.reduce(
  (paths, folder) => [...paths, ...readdirSync(ROOT + folder, { recursive: true }).map((path) => `${folder}/${path}`)],
  [...readdirSync(ROOT)],
);
const PAGES = ['README.md', 'CONTRIBUTING.md', ...PATHS.filter((path) => /\/.+\.md$/.test(path))];
/** Path-like words that lie outside the repository: what is built, made at run time, or another program. */
const ELSEWHERE = /^(?:dist|data|secrets)\/|^(?:certificate\.json|faults\.json|kafka-dump-log\.sh)$/;
const FILE = /^[\w./<>*-]+\.(?:cjs|json|lua|md|mjs|sh|ts|ya?ml)$/;
const FOLDER = /^(?:[\w.<>*-]+\/)+$/;
const PATH_IN_CODE = /(?<![\w./-])(?:bench|docs|ops|src|stack|test)\/[\w./<>*-]*\w/g;

/** What these pages call code is looked for in `CODE`. */
const DEVELOPER_PAGES = ['CONTRIBUTING.md', 'docs/glossary.md', 'docs/how-to-change.md', 'docs/life-of-a-claim.md'];

const text = (path: string): string => readFileSync(ROOT + path, 'utf8');

/** Every word of the code. */
const CODE = new Set(
  PATHS.filter((path) => /^(?:src|test)\/.+\.(?:lua|mjs|ts)$/.test(path)).flatMap(
    (path) => text(path).match(/\w+/g) ?? [],
  ),
);

interface Link {
  readonly label: string;
  readonly target: string;
}

/** Links of a page to other pages and files of the repository. */
function linksIn(page: string): Link[] {
  return [...withoutCode(text(page)).matchAll(/\[([^\]]*)\]\(([^)]+)\)/g)]
    .map(([, label = '', target = '']) => ({ label, target }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** The file that a link of this page leads to, from the root of the repository. */
function fileOf(page: string, target: string): string {
  const [file = ''] = target.split('#');
  return file === '' ? page : decodeURI(new URL(file, `file:///${page}`).pathname).slice(1);
}

/** Words that name a file or folder: in backticks, whole or by their last parts, and in commands from the root on. */
function pathsNamedIn(page: string): string[] {
  const markdown = text(page);
  const quoted = [...withoutCode(markdown).matchAll(/`([^`\s]+)`/g)].map(([, word = '']) => word);
  const named = quoted.filter((word) => FILE.test(word) || FOLDER.test(word) || word.match(PATH_IN_CODE)?.[0] === word);
  return [...named, ...(codeIn(markdown).match(PATH_IN_CODE) ?? [])].filter((word) => !ELSEWHERE.test(word));
}

/** `<port>` and `*` stand for any name. */
function exists(named: string): boolean {
  const pattern = named.replace(/^\.?\/|\/$/g, '').split(/<[\w-]+>|\*/);
  const last = new RegExp(`(?:^|/)${pattern.map((part) => part.replace(/\./g, '\\.')).join('[^/]+')}$`);
  return PATHS.some((path) => last.test(path));
}

describe.each(PAGES)('%s', (page) => {
  it('links to files and headings that exist', () => {
    const broken = linksIn(page).filter(({ target }) => {
      const file = fileOf(page, target);
      const [, anchor] = target.split('#');
      return !existsSync(ROOT + file) || (anchor !== undefined && !anchorsOf(text(file)).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('quotes in a link what the file says', () => {
    const misquoted = linksIn(page).filter(({ label, target }) => {
      const [, quoted] = /^"(.+)"$/s.exec(label) ?? [];
      if (quoted === undefined) return false;
      const file = text(fileOf(page, target));
      return !quoted.split('…').every((part) => file.includes(part.trim().replace(/\s+/g, ' ')));
    });
    expect(misquoted).toEqual([]);
  });

  it('names files and folders that exist', () => {
    expect(pathsNamedIn(page).filter((named) => !exists(named))).toEqual([]);
  });
});

describe('the pages together', () => {
  it('have a line in an index', () => {
    const listed = (index: string) => linksIn(index).map(({ target }) => fileOf(index, target));
    const pages = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md');
    expect(listed('docs/README.md')).toEqual(expect.arrayContaining(pages));
    const decisions = PAGES.filter((page) => /^docs\/adr\/\d/.test(page));
    expect(listed('docs/adr/README.md')).toEqual(expect.arrayContaining(decisions));
  });

  it.each(DEVELOPER_PAGES)('%s names classes, functions and fields that exist', (page) => {
    const quoted = [...withoutCode(text(page)).matchAll(/`([^`\s]+)`/g)].map(([, word = '']) => word);
    const names = quoted.filter(
      (word) => /^@?[A-Za-z_]\w*[A-Za-z0-9](?:\.\w+)?(?:\(\))?$/.test(word) && !FILE.test(word),
    );
    const parts = names.flatMap((name) => name.replace(/^@|\(\)$/g, '').split('.'));
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.filter((part) => !CODE.has(part))).toEqual([]);
  });

  it('lead a field of a claim to each file at which the compiler stops', () => {
    const stops = [...text('test/claim-fields.spec.ts').matchAll(/^ +'(src\/\S+) /gm)].map(([, file]) => file);
    expect(stops.length).toBeGreaterThan(10);
    const recipe = 'docs/how-to-change.md';
    expect(linksIn(recipe).map(({ target }) => fileOf(recipe, target))).toEqual(expect.arrayContaining(stops));
  });
});
