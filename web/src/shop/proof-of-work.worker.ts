import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2';

// A worker's own scope, which the types of pages do not know.
const scope = globalThis as unknown as Pick<Worker, 'postMessage' | 'onmessage'>;

scope.onmessage = ({ data }: MessageEvent<Challenge>): void => {
  void solveChallenge({ challenge: data, deriveKey }).then((solution) =>
    scope.postMessage(solution && { counter: solution.counter, derivedKey: solution.derivedKey }),
  );
};
