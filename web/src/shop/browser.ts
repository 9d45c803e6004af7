/** What the shopper's page takes from the browser, where a browser may also refuse it. */

const memory = new Map<string, string>();

/** Kept by the browser; for this page alone where it forbids that. */
export const kept = {
  getItem(name: string): string | null {
    try {
      return localStorage.getItem(name) ?? memory.get(name) ?? null;
    } catch {
      return memory.get(name) ?? null;
    }
  },
  setItem(name: string, value: string): void {
    memory.set(name, value);
    try {
      localStorage.setItem(name, value);
    } catch {
      // In memory alone, then.
    }
  },
};

/** 128 random bits. `crypto.randomUUID` is not there on a page over plain HTTP. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Runs the work in one tab at a time. A browser without locks runs it at once: the key of the claim is the same. */
export async function inTurn(name: string, work: () => Promise<void>): Promise<void> {
  // Not there on a page over plain HTTP, whatever the types say.
  const locks = navigator.locks as LockManager | undefined;
  if (locks === undefined) return work();
  let hasBegun = false;
  try {
    await locks.request(name, () => {
      hasBegun = true;
      return work();
    });
  } catch (error) {
    // A browser that forbids this page to keep anything refuses the lock too.
    if (hasBegun) throw error;
    await work();
  }
}

type Release = () => void;

/**
 * Takes one of so many places that all pages of this service share.
 * @returns gives the place back; null: none is free; undefined: the browser has no locks for this page.
 */
export async function takePlace(name: string, places: number): Promise<Release | null | undefined> {
  for (let place = 1; place <= places; place++) {
    const release = await tryToHold(`${name}/${place}`);
    if (release !== null) return release;
  }
  return null;
}

function tryToHold(name: string): Promise<Release | null | undefined> {
  return new Promise((resolve) => {
    const locks = navigator.locks as LockManager | undefined;
    if (locks === undefined) return resolve(undefined);
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(null);
        return new Promise<void>((release) => resolve(() => release()));
      })
      .catch(() => resolve(undefined));
  });
}

/** Resolves after the time; earlier when the network is back, or when it is called off. */
export function waitAwake(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      removeEventListener('online', online);
      signal.removeEventListener('abort', done);
      resolve();
    };
    // Everybody in a train comes back at the same moment.
    const online = (): void => void setTimeout(done, Math.random() * 500);
    const timer = setTimeout(done, ms);
    addEventListener('online', online);
    signal.addEventListener('abort', done);
  });
}
