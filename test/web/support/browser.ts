import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { PATIENCE_MS } from '../../support/patience.js';

/** The browser of this machine; undefined: none was found. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Where screenshots are kept. */
const SHOTS = resolve(process.env.WEB_SHOTS ?? '.stack/web');

const isLeftOut = CHROMIUM === undefined && process.env.CI === undefined;
if (isLeftOut) process.stdout.write('left out: pages in a browser, because no Chromium was found\n');

/** Tests of pages. Where there is no browser, they are left out on a laptop, and red in CI. */
export const describePages: typeof describe.skip = isLeftOut ? describe.skip : describe;

/** How a page is opened. */
export interface View {
  readonly language?: 'ko' | 'en';
  readonly theme?: 'light' | 'dark';
  /** The width of the window, CSS pixels. */
  readonly width?: number;
  readonly more?: BrowserContextOptions;
}

/** What a page complained of. */
interface Complaints {
  /** Errors of the console and of the policy, and exceptions. The answers that a test expects are taken out. */
  readonly errors: string[];
}

/** A browser for the tests of one file. */
export class Pages {
  private readonly complaints = new Map<Page, Complaints>();

  private constructor(private readonly browser: Browser) {}

  static async open(): Promise<Pages> {
    if (CHROMIUM === undefined) throw new Error('no Chromium on this machine');
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    return new Pages(await chromium.launch({ executablePath: CHROMIUM, args, timeout: PATIENCE_MS }));
  }

  close(): Promise<void> {
    return this.browser.close();
  }

  /** Opens a page of its own, with its own cookies and storage. */
  async page({ language = 'ko', theme = 'light', width = 1440, more = {} }: View = {}): Promise<Page> {
    const context = await this.browser.newContext({
      locale: language === 'ko' ? 'ko-KR' : 'en-US',
      timezoneId: 'Asia/Seoul',
      colorScheme: theme,
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      ...more,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    return this.watch(await context.newPage());
  }

  /** Collects what the page complains of, also for a tab that a test opens by itself. */
  watch(page: Page): Page {
    const errors: string[] = [];
    this.complaints.set(page, { errors });
    page.on('pageerror', (error) => errors.push(`exception: ${error.message}`));
    page.on('console', (message) => {
      // The browser reports every answer of 400 and above. A page that shows a refusal is right.
      const isAnswer = /^Failed to load resource: the server responded with a status of/.test(message.text());
      if (message.type() === 'error' && !isAnswer) errors.push(message.text());
    });
    return page;
  }

  /**
   * The page as it stands breaks no rule of WCAG 2.2 AA that axe knows, and has complained of nothing.
   * @param allowed complaints that the test has caused, for example a cut network.
   */
  async expectClean(page: Page, allowed = /$^/): Promise<void> {
    // Evaluated, not added as a script: the policy of the page forbids that.
    await page.evaluate(await axeSource());
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: Axe };
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const { violations } = await axe.run({ runOnly: { type: 'tag', values: tags } });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    });
    expect(violations).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    expect((this.complaints.get(page)?.errors ?? []).filter((error) => !allowed.test(error))).toEqual([]);
  }

  /** Keeps a picture of the whole page. */
  async shoot(page: Page, name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }
}

interface Axe {
  run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

let source: Promise<string> | undefined;
const axeSource = (): Promise<string> =>
  (source ??= import('node:fs/promises').then(({ readFile }) => readFile(AXE, 'utf8')));

/** By how many pixels the page is wider than its window. */
function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = (globalThis as unknown as { document: { documentElement: Sizes } }).document
      .documentElement;
    return scrollWidth - clientWidth;
  });
}

interface Sizes {
  readonly scrollWidth: number;
  readonly clientWidth: number;
}
