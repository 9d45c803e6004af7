import { type Schemas } from '../api/client.ts';

/** A phone may take long; then something else is wrong, ms. */
const LONGEST_MS = 120_000;

/**
 * Finds the proof in a thread of its own, so that the countdown and the button stay alive. The code for it is loaded here
 * alone: most drops ask for no proof.
 *
 * @returns the answer as ALTCHA's widget sends it; null where the browser has no cryptography, as over plain HTTP.
 * @throws Error when no proof was found in time.
 */
export function prove(challenge: Schemas['Challenge']): Promise<string | null> {
  if ((crypto.subtle as SubtleCrypto | undefined) === undefined) return Promise.resolve(null);
  const { parameters, signature } = challenge;
  const worker = new Worker(new URL('./proof-of-work.worker.ts', import.meta.url), { type: 'module' });
  return new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no proof was found in time')), LONGEST_MS);
    worker.onmessage = ({ data }: MessageEvent<object | null>) => {
      clearTimeout(late);
      if (data === null) reject(new Error('no proof was found'));
      else resolve(btoa(JSON.stringify({ challenge: { parameters, signature }, solution: data })));
    };
    worker.onerror = () => reject(new Error('the proof cannot be looked for'));
    worker.postMessage({ parameters, signature });
  }).finally(() => worker.terminate());
}
