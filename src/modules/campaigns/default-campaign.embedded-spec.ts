import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { creatorOf } from '../../../test/support/campaigns.js';
import { type EmbeddedStack, openEmbeddedStack, openEpoch } from '../../../test/support/embedded.js';
import { SetTimers } from '../../../test/support/flow.js';
import { watchOf } from '../../../test/support/recovery.js';
import { until } from '../../../test/support/until.js';
import { DEFAULT_CAMPAIGN_ID } from '../../domain/campaign.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { GateUnavailableError } from '../../ports/gate/issuance-gate.js';
import { type CampaignCreator } from './campaign-creator.js';
import { DefaultCampaign } from './default-campaign.js';

Logger.overrideLogger(false);

describe('DefaultCampaign', () => {
  let stack: EmbeddedStack;
  let creator: CampaignCreator;
  let campaign: DefaultCampaign;
  let timers: SetTimers;

  beforeEach(async () => {
    stack = await openEmbeddedStack();
    await openEpoch(stack, 1);
    timers = new SetTimers();
    const watch = watchOf(stack);
    creator = creatorOf(stack, watch);
    campaign = new DefaultCampaign(creator, timers);
  });
  afterEach(async () => {
    await campaign.beforeApplicationShutdown();
    jest.restoreAllMocks();
    await stack.close();
  });

  const find = () => stack.database.read((unit) => unit.campaigns.find(DEFAULT_CAMPAIGN_ID));
  const away = new DatabaseError('infrastructure', 'ECONNREFUSED', 'away');

  it('is made once, and left as it is afterwards', async () => {
    await campaign.ensure(100);
    await campaign.ensure(200);
    expect(await find()).toMatchObject({ id: 'default', total: 100, state: 'OPEN' });
  });

  it('is made when the database comes later, without keeping the start waiting', async () => {
    jest.spyOn(creator, 'createIfMissing').mockRejectedValueOnce(away).mockRejectedValueOnce(away);
    await campaign.ensure(100);
    await timers.pass(2_000);
    await until('the campaign is made', find);
  });

  it('is tried again after every kind of database error once the process runs, and logs each reason once', async () => {
    const memory = () => new DatabaseError('unknown', 'ER_OUTOFMEMORY', 'Out of memory');
    jest
      .spyOn(creator, 'createIfMissing')
      .mockRejectedValueOnce(away)
      .mockRejectedValueOnce(memory())
      .mockRejectedValueOnce(memory());
    const error = jest.spyOn(Logger.prototype, 'error');
    await campaign.ensure(100);
    await timers.pass(3_000);
    await until('the campaign is made', find);
    expect(error.mock.calls).toEqual([[expect.stringContaining('Out of memory')]]);
  });

  it('is not tried again after a mistake of ours, which is logged', async () => {
    const create = jest
      .spyOn(creator, 'createIfMissing')
      .mockRejectedValueOnce(away)
      .mockRejectedValueOnce(new TypeError('a mistake'));
    const error = jest.spyOn(Logger.prototype, 'error');
    await campaign.ensure(100);
    await timers.pass(10_000);
    expect(error.mock.calls).toEqual([[expect.stringContaining('a mistake')]]);
    expect(create).toHaveBeenCalledTimes(2);
  });

  it('is made while the gate is away', async () => {
    jest.spyOn(stack.gate, 'now').mockRejectedValue(new GateUnavailableError('away'));
    await campaign.ensure(100);
    expect(await find()).toMatchObject({ total: 100 });
  });

  it('stops the start for anything but a database that is away', async () => {
    jest.spyOn(stack.database, 'read').mockRejectedValue(new DatabaseError('unknown', 'X', 'no'));
    await expect(campaign.ensure(100)).rejects.toMatchObject({ kind: 'unknown' });
  });

  it('is no longer tried when the process stops', async () => {
    const read = jest.spyOn(stack.database, 'read').mockRejectedValue(away);
    await campaign.ensure(100);
    await campaign.beforeApplicationShutdown();
    await timers.pass(10_000);
    expect(read).toHaveBeenCalledTimes(1);
    read.mockRestore();
    expect(await find()).toBeNull();
  });
});
