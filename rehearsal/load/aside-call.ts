import { NO_ANSWER, REFUSED } from '../../oracle/told.js';
import { type RawAnswer, wordOf } from './answer.js';
import { Connection, type Target } from './connection.js';

/** A slow request comes in so many pieces, in this time, ms. */
const SLOW_PIECES = 8;
const SLOW_MS = 2_000;

/** One call on a connection of its own. */
export interface AsideCall {
  readonly target: Target;
  readonly call: number;
  readonly request: string;
  /** The caller hangs up after this time, ms; null: the request comes slowly. */
  readonly hangUpAfterMs: number | null;
  /** The service can execute the call from now on. */
  readonly written: () => void;
  /** Called once. */
  readonly settled: (word: string, answer?: RawAnswer) => void;
}

/** Makes a call whose caller is slow or hangs up. @returns its connection, which the caller may end. */
export function callAside({ target, call, request, hangUpAfterMs, written, settled }: AsideCall): Connection {
  let wasWritten = false;
  const noteWritten = () => {
    wasWritten = true;
    written();
  };
  const connection = new Connection(target, {
    answered: (one, _call, answer) => {
      settled(wordOf(answer), answer);
      one.end();
    },
    closed: (_one, open) => {
      if (open >= 0) settled(wasWritten ? NO_ANSWER : REFUSED);
    },
  });
  connection.begin(call);
  connection.ready.then(
    () => {
      if (hangUpAfterMs === null) return writeSlowly(connection, request, noteWritten);
      noteWritten();
      connection.write(request);
      setTimeout(() => connection.end(), hangUpAfterMs);
    },
    () => undefined,
  );
  return connection;
}

/** Nobody can execute the call before its last piece is there, so it counts as made then. */
function writeSlowly(connection: Connection, request: string, written: () => void): void {
  const size = Math.ceil(request.length / SLOW_PIECES);
  const pieces = Array.from({ length: SLOW_PIECES }, (_, piece) => request.slice(piece * size, (piece + 1) * size));
  const writeNext = () => {
    const piece = pieces.shift();
    if (piece === undefined || !connection.open) return;
    if (pieces.length === 0) written();
    connection.write(piece);
    setTimeout(writeNext, SLOW_MS / SLOW_PIECES);
  };
  writeNext();
}
