import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type DynamicModule, type ForwardReference, type Provider, type Type } from '@nestjs/common';
import { type AppModule } from '../../src/app/app.module.js';
import { parseEnv } from '../../src/platform/config/env.js';

type Import = Type | DynamicModule | Promise<DynamicModule> | ForwardReference;

const PROFILES = {
  embedded: { PROFILE: 'embedded' },
  distributed: {
    PROFILE: 'distributed',
    IDENTITY: 'open',
    REDIS_URL: 'redis://127.0.0.1:6379',
    KAFKA_BROKERS: '127.0.0.1:9092',
    DATABASE_URL: 'mysql://coupon:secret@127.0.0.1:3306/coupon',
    ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
  },
};

/** The same sources, by the compiler of the tests and by that of the build. */
const COMPILERS = {
  'swc, in the tests': '../../src/app/app.module.js',
  'tsc, in dist/': '../../dist/app/app.module.js',
};

/** Adds to `found` the classes that Nest makes for a module and its imports: providers, controllers and guards. */
async function findClasses(imported: Import, seen: Set<unknown>, found: Set<Type>): Promise<void> {
  const given = await imported;
  if (seen.has(given)) return;
  seen.add(given);
  const dynamic = 'module' in given ? given : undefined;
  const module = dynamic?.module ?? (given as Type);
  const all = <T>(name: 'imports' | 'providers' | 'controllers'): T[] => [
    ...((dynamic?.[name] ?? []) as T[]),
    ...((Reflect.getMetadata(name, module) ?? []) as T[]),
  ];
  for (const provider of all<Provider>('providers')) {
    if (typeof provider === 'function') found.add(provider);
    else if ('useClass' in provider) found.add(provider.useClass);
  }
  for (const controller of all<Type>('controllers')) {
    found.add(controller);
    const { prototype } = controller as { prototype: Record<string, object> };
    const handlers = Object.getOwnPropertyNames(prototype).map((name) => prototype[name] as object);
    for (const guarded of [controller, ...handlers]) {
      for (const guard of (Reflect.getMetadata('__guards__', guarded) ?? []) as Type[]) found.add(guard);
    }
  }
  for (const next of all<Import>('imports')) await findClasses(next, seen, found);
}

/** The parameters of the constructor that Nest would leave undefined, without any error. */
function unknownParameters(made: Type): string[] {
  const types = (Reflect.getMetadata('design:paramtypes', made) ?? []) as unknown[];
  const named = (Reflect.getMetadata('self:paramtypes', made) ?? []) as { readonly index: number }[];
  return Array.from({ length: made.length }, (_, at) => at)
    .filter((at) => types[at] === undefined || types[at] === Object)
    .filter((at) => !named.some(({ index }) => index === at))
    .map((at) => `${made.name}, parameter ${at}`);
}

describe.each(Object.entries(COMPILERS))('the wiring, compiled by %s', (_compiler, path) => {
  it.each(Object.entries(PROFILES))('has a type for every constructor parameter: %s', async (_profile, env) => {
    if (!existsSync('dist/app/app.module.js')) throw new Error('the service is not built: run npm run build first');
    const { AppModule: root } = (await import(path)) as { AppModule: typeof AppModule };
    const found = new Set<Type>();
    await findClasses(root.for(parseEnv(env)), new Set(), found);
    expect(found.size).toBeGreaterThan(40);
    expect([...found].flatMap(unknownParameters)).toEqual([]);
  });

  it.each(Object.entries(PROFILES))('makes each module once: %s', async (_profile, env) => {
    const { AppModule: root } = (await import(path)) as { AppModule: typeof AppModule };
    const made = new Set<unknown>();
    await findClasses(root.for(parseEnv(env)), made, new Set());
    const names = [...made].map(
      (given) => ('module' in (given as object) ? (given as DynamicModule).module : (given as Type)).name,
    );
    // TypeORM's module is made once for each data source. Two of any other have two of each provider: a schedule runs
    // twice then, and a watch does not know what the other one has seen.
    const twice = names.filter((name, at) => !name.startsWith('TypeOrm') && names.indexOf(name) !== at);
    expect(twice).toEqual([]);
  });
});
