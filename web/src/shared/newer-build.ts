import { signal } from '@preact/signals';
import { BASE } from './paths.ts';

/** How often it is looked for, ms. */
const INTERVAL_MS = 300_000;

/** Does the service have another build of this page by now? */
export const isOutdated = signal(false);

/**
 * Looks whether the service would give this page another script. Its name holds a hash of all that the page is made of.
 * @param path of the page, below the service.
 */
export async function lookForNewerBuild(path: string): Promise<void> {
  const own = document.querySelector<HTMLScriptElement>('script[type="module"][src]')?.src.split('/').pop();
  if (own === undefined || isOutdated.value) return;
  try {
    const answer = await fetch(BASE + path, { cache: 'no-store' });
    const html = answer.ok ? await answer.text() : '';
    // Anything else that answers, such as a proxy’s own page, says nothing about the build.
    if (html.includes('<div id="page">')) isOutdated.value = !html.includes(own);
  } catch {
    // The service is away; the page says so elsewhere.
  }
}

/** Looks now and then, and when the person comes back to the page. @returns what ends it. */
export function watchForNewerBuild(path: string): () => void {
  const look = (): void => {
    if (!document.hidden) void lookForNewerBuild(path);
  };
  const timer = setInterval(look, INTERVAL_MS);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
