import { expect, it } from '@jest/globals';
import { layerTable } from './layer-table.js';

const turn = (perSecond: number, microseconds: Record<string, number>) => ({
  perSecond,
  processor: { idleCores: 0, microseconds },
});

it('shows what each layer adds, round by round, and what it makes of the bare server', () => {
  const bare = [turn(20_000, { server: 40 }), turn(10_000, { server: 80 }), turn(20_000, { server: 40 })];
  const route = [turn(15_000, { route: 50 }), turn(8_000, { route: 100 }), turn(15_000, { route: 54 })];
  const gate = [1, 2, 3].map((round) => turn(9_000, { gate: 100 + round, Redis: 16, Kafka: 0 }));

  const layers = [
    { layer: 'bare Fastify', turns: bare },
    { layer: 'route', turns: route },
    { layer: 'gate', turns: gate },
  ];

  expect(layerTable({ profile: 'distributed', layers }).slice(-3)).toEqual([
    '| bare Fastify | **40.0** (40.0–80.0, 3 rounds) |  |  |  | 20,000 |',
    '| route | **54.0** (50.0–100.0, 3 rounds) | **14.0** (10.0–20.0, 3 rounds) | **1.25** (1.25–1.35, 3 rounds) |  | 15,000 |',
    '| gate | **102.0** (101.0–103.0, 3 rounds) | **49.0** (2.0–51.0, 3 rounds) | **2.52** (1.27–2.58, 3 rounds) | Redis 16.0, Kafka 0.0 | 9,000 |',
  ]);
});
