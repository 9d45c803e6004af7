import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

const L3 = '/sys/devices/system/cpu/cpu0/cache/index3/size';

/** On which machine, and with which Node, the figures of a table were measured. */
export function machine(): string {
  return describeMachine(cpus().length, textOf('/proc/cpuinfo') ?? '', textOf(L3), process.version);
}

/** The number of the model tells machines apart whose processors have one name. */
export function describeMachine(cores: number, cpuinfo: string, l3: string | undefined, node: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}\\s*: (.+)$`, 'm').exec(cpuinfo)?.[1]?.trim();
  const number = field('model');
  const cache = /^(\d+)K/.exec(l3 ?? '')?.[1];
  return [
    `${cores} × ${field('model name') ?? 'unknown processor'}${number === undefined ? '' : `, model ${number}`}`,
    ...(cache === undefined ? [] : [`${Math.round(Number(cache) / 1_024)} MB of L3`]),
    `Node ${node}`,
  ].join(', ');
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
