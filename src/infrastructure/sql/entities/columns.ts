import { type ValueTransformer } from 'typeorm';

/** mysql2 hands a BIGINT out as text; every number stored here stays below 2^53. */
const toNumber: ValueTransformer = {
  to: (value: number | null | undefined) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

export function integer(name: string) {
  return { name, type: 'bigint', transformer: toNumber } as const;
}

/** ms since the Unix epoch, UTC. An integer means the same in every time zone and in both databases. */
export const instant = integer;

export function text(name: string) {
  return { name, type: 'varchar' } as const;
}

export function flag(name: string) {
  return {
    name,
    type: 'bigint',
    transformer: { to: Number, from: (value: string | number) => Number(value) === 1 },
  } as const;
}

export function nullable<T extends object>(options: T): T & { readonly nullable: true } {
  return { ...options, nullable: true };
}
