import { expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { decided } from '../support/raw-http.js';
import { describeAdminCalls } from './bad-input/admin-call.js';
import { describeBodies } from './bad-input/body.js';
import { describeClaims } from './bad-input/claim.js';
import { describeDocument } from './bad-input/document.js';
import { APPLY, client, post, TOKEN } from './bad-input/fixture.js';
import { describeHeaders } from './bad-input/headers.js';
import { describeOutages } from './bad-input/outage.js';
import { describeParameters } from './bad-input/parameters.js';
import { describeConnections } from './bad-input/raw-socket.js';

// All parts use one service. At the end its answers are compared with its document.
describeBodies();
describeParameters();
describeClaims();
describeAdminCalls();
describeConnections();
describeHeaders();
describeOutages();
describeDocument();

it('after all of it, nothing was issued, and one user still gets one coupon', async () => {
  expect(await client.audit('default')).toMatchObject({ gate: 0, pending: 0, issued: 0, rows: 0, drift: 0 });
  const campaign = await client.createCampaign(1);
  const claim = { userId: 'the-last', campaignId: campaign };
  const response = await decided(() => post(APPLY, claim, { 'Idempotency-Key': 'the-last' }));
  expect(response.status).toBe(202);
  await eventually(async () => {
    expect(await client.audit(campaign)).toMatchObject({ gate: 1, pending: 0, issued: 1, rows: 1, drift: 0 });
  });
  expect((await client.get('/api/admin/failed-events', TOKEN)).body.items).toEqual([]);
});
