import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Global, type INestMicroservice, Module, type PipeTransform } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  claimsOf,
  type ConsumerStack,
  failedEvents,
  issuedCount,
  journalServer,
  openConsumerStack,
  sql,
} from '../../../test/support/consumer.js';
import { eventually } from '../../../test/support/eventually.js';
import { type Role } from '../../platform/config/config-parts.js';
import { Database } from '../../ports/database/database.js';
import { UnwatchedGate } from '../../ports/gate/unwatched-gate.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';
import { ConsumerModule } from './consumer.module.js';

describe('the consumer behind its transport', () => {
  let stack: ConsumerStack;
  let service: INestMicroservice | undefined;

  beforeEach(async () => {
    stack = await openConsumerStack({ total: 2_000 });
  });

  afterEach(async () => {
    await service?.close();
    service = undefined;
    await stack.close();
  });

  const start = async (prepare: (service: INestMicroservice) => void = () => undefined) => {
    @Global()
    @Module({
      providers: [
        { provide: Database, useValue: stack.faults },
        { provide: UnwatchedGate, useValue: stack.gate },
        { provide: ClaimLog, useValue: stack.log },
      ],
      exports: [Database, UnwatchedGate, ClaimLog],
    })
    class AdaptersModule {}

    const roles = new Set<Role>(['consumer']);
    const module = await Test.createTestingModule({ imports: [AdaptersModule, ConsumerModule.for(roles)] }).compile();
    service = module.createNestMicroservice({ strategy: journalServer(stack), logger: false });
    prepare(service);
    await service.listen();
  };
  const publish = (first: number, last: number) =>
    Promise.all(claimsOf(first, last).map((claim) => stack.log.publish(claim)));
  const isConsumed = async () => {
    expect((await stack.log.committedOffsets()).get(0)).toBe((await stack.log.endOffsets()).get(0));
  };

  it('turns what lies on the log, and what is published later, into coupons', async () => {
    await publish(1, 1_200);
    await start();
    await eventually(isConsumed);
    expect(await issuedCount(stack)).toBe(1_200);
    await publish(1_201, 1_300);
    await eventually(isConsumed);
    expect(await issuedCount(stack)).toBe(1_300);
  });

  it('does not stop at a message that somebody else has put there', async () => {
    await publish(1, 2);
    await sql(stack, "INSERT INTO journal (message_key, value, appended_at) VALUES (NULL, 'hello', 0)");
    await publish(3, 4);
    await start();
    await eventually(isConsumed);
    expect(await issuedCount(stack)).toBe(4);
    expect(await failedEvents(stack)).toMatchObject([{ offset: 3, status: 'DEAD' }]);
  });

  it('leaves the offset where it was when the handler fails, and gets the batch again', async () => {
    await publish(1, 3);
    let failures = 0;
    await start((app) => {
      const consumer = app.get(ClaimBatchConsumer);
      const consume = consumer.consume.bind(consumer);
      consumer.consume = async (records, context) => {
        failures += 1;
        if (failures === 1) throw new TypeError('the handler is broken');
        expect((await stack.log.committedOffsets()).has(0)).toBe(false);
        return consume(records, context);
      };
    });
    await eventually(isConsumed);
    expect(failures).toBe(2);
    expect(await issuedCount(stack)).toBe(3);
  });

  it('leaves the offset where it was when a pipe fails before the handler is reached', async () => {
    await publish(1, 3);
    let refusals = 0;
    const pipe: PipeTransform = {
      transform: (value: unknown) => {
        // Arguments: the records and the context, once for each delivery.
        if (Array.isArray(value) && (refusals += 1) === 1) throw new Error('a pipe refuses');
        return value;
      },
    };
    await start((app) => app.useGlobalPipes(pipe));
    await eventually(isConsumed);
    expect(refusals).toBe(2);
    expect(await issuedCount(stack)).toBe(3);
  });
});
