import { askForToken } from './embedding.ts';

/** How long the page around may take for a token, ms. */
const PATIENCE_MS = 5_000;

/** Asks the page around for a new token. Calls at the same time share one question. */
export class TokenRenewal {
  private asking: Promise<boolean> | null = null;
  private answer: (isRenewed: boolean) => void = () => undefined;

  /** @returns whether a token came in time. */
  ask(): Promise<boolean> {
    this.asking ??= new Promise<boolean>((resolve) => {
      const late = setTimeout(() => resolve(false), PATIENCE_MS);
      this.answer = (isRenewed) => {
        clearTimeout(late);
        resolve(isRenewed);
      };
      askForToken();
    }).finally(() => (this.asking = null));
    return this.asking;
  }

  /** The page around has answered. @param isRenewed with a token. */
  settle(isRenewed: boolean): void {
    this.answer(isRenewed);
  }
}
