import { type Random } from '../random.js';

/**
 * When users come.
 *
 * - `burst`: all at the same moment.
 * - `steady`: at one rate.
 * - `ramp`: at a rate that rises from 0.
 * - `curve`: as recorded.
 */
export type Arrival =
  | { readonly kind: 'burst' }
  | { readonly kind: 'steady' | 'ramp'; readonly seconds: number }
  | { readonly kind: 'curve'; readonly points: readonly CurvePoint[] };

/** From this second until that of the next point, so many users came. */
export interface CurvePoint {
  readonly second: number;
  readonly arrivals: number;
}

/** A curve that cannot be used, and why. */
export class CurveError extends Error {
  override readonly name = 'CurveError';
}

/**
 * The moments at which the users come, ms from the beginning, in ascending order. Users decide on their own: a curve
 * says how likely each moment is, and `random` draws one for each user.
 */
export function momentsOf(arrival: Arrival, users: number, random: Random): Float64Array {
  const moments = new Float64Array(users);
  if (arrival.kind === 'burst') return moments;
  const at = momentAt(arrival);
  for (let user = 0; user < users; user++) moments[user] = at(random());
  return moments.sort();
}

/** The moment, ms, by which this part of all users has come. */
function momentAt(arrival: Exclude<Arrival, { kind: 'burst' }>): (part: number) => number {
  if (arrival.kind === 'curve') return momentOn(arrival.points);
  if (arrival.kind === 'steady') return (part) => part * arrival.seconds * 1_000;
  // The rate rises evenly, so the users who have come rise with the square of the time.
  return (part) => Math.sqrt(part) * arrival.seconds * 1_000;
}

function momentOn(points: readonly CurvePoint[]): (part: number) => number {
  const total = totalOf(points);
  return (part) => {
    let wanted = part * total;
    for (const [at, { second, arrivals }] of points.entries()) {
      if (wanted < arrivals) return (second + (wanted / arrivals) * widthOf(points, at)) * 1_000;
      wanted -= arrivals;
    }
    return ((points.at(-1)?.second ?? 0) + widthOf(points, points.length - 1)) * 1_000;
  };
}

/** The last point lasts as long as the one before it. */
function widthOf(points: readonly CurvePoint[], at: number): number {
  const [here, next, before] = [points[at], points[at + 1], points[at - 1]];
  if (here === undefined) return 0;
  if (next !== undefined) return next.second - here.second;
  return before === undefined ? 1 : here.second - before.second;
}

/** How many users came in all. */
export function totalOf(points: readonly CurvePoint[]): number {
  return points.reduce((sum, { arrivals }) => sum + arrivals, 0);
}

/**
 * Reads a recorded curve: lines `second,arrivals`, in ascending order, with or without a line of names above them.
 * @throws CurveError with the number of the line.
 */
export function parseCurve(text: string): CurvePoint[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const points: CurvePoint[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const cells = line.split(',').map((cell) => cell.trim());
    const [second, arrivals] = cells.map(Number);
    if (points.length === 0 && index === 0 && cells.some((cell) => Number.isNaN(Number(cell)))) continue;
    const isUsable = cells.length === 2 && isCount(second) && isCount(arrivals) && !cells.includes('');
    if (!isUsable) {
      throw new CurveError(`line ${index + 1}: expected "second,arrivals", such as 3,1200; found "${line}"`);
    }
    const last = points.at(-1)?.second ?? -1;
    if (second! <= last) throw new CurveError(`line ${index + 1}: second ${second} does not come after ${last}`);
    points.push({ second: second!, arrivals: arrivals! });
  }
  if (totalOf(points) <= 0) throw new CurveError('nobody arrives in it');
  return points;
}

function isCount(value: number | undefined): boolean {
  return value !== undefined && Number.isFinite(value) && value >= 0;
}
