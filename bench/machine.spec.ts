import { expect, it } from '@jest/globals';
import { describeMachine } from './machine.js';

const CPUINFO = 'processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 167\nmodel name\t: Intel(R) Xeon(R) Processor\n';

it('a machine is known by its cores, its processor, its largest cache and its Node', () => {
  expect(describeMachine(2, CPUINFO, '307200K\n', 'v20.20.2')).toBe(
    '2 × Intel(R) Xeon(R) Processor, model 167, 300 MB of L3, Node v20.20.2',
  );
});

it('a system that says nothing of its processor is named all the same', () => {
  expect(describeMachine(8, '', undefined, 'v24.11.0')).toBe('8 × unknown processor, Node v24.11.0');
});
