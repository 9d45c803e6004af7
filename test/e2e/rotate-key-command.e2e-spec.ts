import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend, TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';

const COMMAND = resolve('dist/rotate-event-key.js');

describe('npm run rotate-event-key -- --purpose entry', () => {
  let backend: Backend;
  let port: number;
  let client: Client;
  let service: ServiceProcess;
  const start = async () => {
    service = await ServiceProcess.start(backend, port);
  };
  beforeAll(async () => {
    backend = await openBackend();
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
    await start();
  });
  afterAll(async () => {
    await service.end('SIGKILL');
    await backend.remove();
  });

  const rotate = (...args: string[]) => ServiceProcess.run({ ...backend.env, ADMIN_TOKEN }, [COMMAND, ...args]);
  const entries = (...args: string[]) => rotate('--purpose', 'entry', ...args);

  it('makes a key, and leaves the tokens of the one before good', async () => {
    const campaign = await client.createCampaign(5, { requireEntry: true });
    await eventually(async () => {
      expect((await client.claim('bob', campaign)).body.code).toBe('entry-required');
    });
    const { token } = (await client.send('POST', `/api/campaigns/${campaign}/entry`, { body: { userId: 'alice' } }))
      .body;
    if (TOPOLOGY === 'embedded') {
      const { code, text } = await entries();
      expect([code, text]).toEqual([1, expect.stringMatching(/^stop the service first: DATA_DIR .*\n$/)]);
      expect(await service.end('SIGTERM')).toBe(0);
    }
    const { code, text } = await entries();
    const [, second = '', first = ''] =
      /^(\S{8}) {2}signs, made 2\S+\n(\S{8}) {2}verifies, made 2\S+\n$/.exec(text) ?? [];
    expect([code, text.includes(second), first.length]).toEqual([0, true, 8]);
    expect(await entries('--list')).toEqual({ code: 0, text });
    // A busy machine may take longer for the commands than the newest key has to be there.
    const why = new RegExp(
      `^the newest key is \\d+ s old, .*: retire ${second} when|^${second} is no key in use, or it is`,
    );
    expect(await entries('--retire', second)).toEqual({ code: 1, text: expect.stringMatching(why) });
    if (TOPOLOGY === 'embedded') await start();
    expect((await client.claim('alice', campaign, { 'x-entry-token': token })).status).toBe(202);
  });

  it('says in one line why it cannot, and shows how it is used after a wrong call', async () => {
    const calls: [string[], RegExp][] = [
      [['--purpose', 'coupon-code'], /^--purpose is event, entry or session\nusage: /],
      [['--purpose', 'entry', '--accept-unsigned'], /^--accept-unsigned is for events\nusage: /],
      [['--purpose', 'entry', '--list', '--retire', 'x'], /^--list and --retire are two things\nusage: /],
    ];
    if (TOPOLOGY === 'embedded') calls.push([[], /^nothing to rotate: .*\n$/]);
    for (const [args, text] of calls) {
      expect([args, await rotate(...args)]).toEqual([args, { code: 1, text: expect.stringMatching(text) }]);
    }
  });
});
