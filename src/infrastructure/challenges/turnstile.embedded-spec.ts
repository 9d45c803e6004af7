import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Siteverify, TURNSTILE_SECRET } from '../../../test/support/siteverify.js';
import { Turnstile } from './turnstile.js';

const KEYS = { signing: null, find: () => undefined };

describe('Turnstile', () => {
  const question = { campaignId: 'default', userId: 'user-1', cost: 100, keys: KEYS };
  let siteverify: Siteverify;
  let turnstile: Turnstile;
  beforeEach(async () => {
    siteverify = await Siteverify.start();
    turnstile = new Turnstile(siteverify.url, TURNSTILE_SECRET);
  });
  afterEach(() => siteverify.stop());

  const widget = (over: Partial<typeof question> = {}) => turnstile.pose({ ...question, ...over });

  it('takes a token once', async () => {
    const token = siteverify.pass(await widget());
    expect(await turnstile.verify(question, token)).toBe('passed');
    expect(await turnstile.verify(question, token)).toBe('failed');
  });

  it('refuses a token that was made for another user, campaign or form, and one that is invented', async () => {
    const { cdata } = await widget();
    for (const made of [await widget({ userId: 'user-2' }), await widget({ campaignId: 'other' })]) {
      expect(await turnstile.verify(question, siteverify.pass(made))).toBe('failed');
    }
    for (const made of [{}, { cdata }, { cdata, action: 'login' }, { action: 'coupon-entry' }]) {
      expect(await turnstile.verify(question, siteverify.pass(made))).toBe('failed');
    }
    expect(await turnstile.verify(question, 'invented')).toBe('failed');
    expect(await turnstile.verify(question, 'a&secret=other&response=0.token-1')).toBe('failed');
  });

  it('is unavailable while siteverify hangs, breaks, babbles or refuses the secret', async () => {
    const impatient = new Turnstile(siteverify.url, TURNSTILE_SECRET, 50);
    const judge = async (by: Turnstile) => by.verify(question, siteverify.pass(await widget()));
    siteverify.mode = 'hangs';
    expect(await judge(impatient)).toBe('unavailable');
    siteverify.mode = 'breaks';
    expect(await judge(turnstile)).toBe('unavailable');
    siteverify.mode = 'babbles';
    expect(await judge(turnstile)).toBe('unavailable');
    siteverify.mode = 'works';
    expect(await judge(new Turnstile(siteverify.url, 'wrong'))).toBe('unavailable');
    expect(await judge(turnstile)).toBe('passed');
    await siteverify.stop();
    expect(await judge(turnstile)).toBe('unavailable');
  });

  it('lets nobody in because siteverify limits this installation, which a flood of answers can bring about', async () => {
    siteverify.mode = 'throttles';
    const token = siteverify.pass(await widget());
    await expect(turnstile.verify(question, token)).rejects.toMatchObject({ problemCode: 'busy' });
    siteverify.mode = 'works';
    expect(await turnstile.verify(question, token)).toBe('passed');
  });

  it('names user and campaign in the form that a widget takes', async () => {
    const { action, cdata } = await widget({ userId: 'auth0|a.b@c' });
    expect(action).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
    expect(cdata).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
    expect(await widget({ userId: 'auth0|a.b@d' })).not.toEqual({ action, cdata });
  });
});
