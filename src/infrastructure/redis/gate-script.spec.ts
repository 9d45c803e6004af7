import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type ClaimRecord, type ClaimRequest, encodeRecord, type Fields } from '../../domain/claim.js';
import { type CampaignTerms } from '../../ports/gate/issuance-gate.js';
import { claimArguments, termsArguments } from './gate-arguments.js';
import { gateScript, SCRIPT_VERSION } from './gate-script.js';

const FOLDER = new URL('./scripts/', import.meta.url);
const textOf = (file: string) => readFileSync(new URL(file, FOLDER), 'utf8');
const scripts = readdirSync(FOLDER);

/** Each field holds its own name, as Lua spells it. */
const CLAIM: Fields<ClaimRequest & ClaimRecord, string> = {
  campaignId: 'campaign_id',
  userId: 'user_id',
  claimId: 'claim_id',
  sequence: 'sequence',
  claimedAt: 'claimed_at',
  idempotencyDigest: 'idempotency_digest',
};
const TERMS: Fields<CampaignTerms, string> = {
  campaignId: 'campaign_id',
  total: 'total',
  startsAt: 'starts_at',
  endsAt: 'ends_at',
  state: 'state',
  version: 'version',
};

describe('the scripts of the gate', () => {
  it('take the fields of a claim in the order in which they are sent', () => {
    const [, names] = /local ([\w, ]+) = unpack\(ARGV, first_field,/.exec(textOf('claim-batch-3.lua')) ?? [];
    expect(names?.split(', ')).toEqual(claimArguments(CLAIM as unknown as ClaimRequest));
    expect(textOf('claim-batch-3.lua')).toContain(`local FIELDS = ${names?.split(', ').length}\n`);
  });

  it('tell a version that is the digest of everything below the stamp, so that it is the same in every epoch', () => {
    const stamped = /^local EPOCH = '(\d+)'\n(?:local [A-Z]+ = '[^']*'\n)*local VERSION = '(.+)'\n([^]+)$/;
    for (const epoch of [7, 8]) {
      const [, named, version, text = ''] = stamped.exec(gateScript(epoch, 'own', 'a'.repeat(40))) ?? [];
      expect([named, version]).toEqual([String(epoch), SCRIPT_VERSION]);
      expect(createHash('sha256').update(text).digest('hex').slice(0, SCRIPT_VERSION.length)).toBe(version);
    }
  });

  it('write a record of the fields that are read from it', () => {
    const [, record] = /admitted\[user_id\] = (.+)/.exec(textOf('claim-batch-3.lua')) ?? [];
    const parts = record?.replaceAll(/integer\((\w+)\)/g, '$1').split(" .. '|' .. ");
    expect(parts?.join('|')).toBe(encodeRecord(CLAIM as unknown as ClaimRecord));
  });

  it.each([
    ['open-campaign-3.lua', 2],
    ['change-terms-3.lua', 2],
    ['open-staged-4.lua', 1],
  ])('%s takes the terms of a campaign in the order in which they are sent', (file, first) => {
    const sent = termsArguments(TERMS as unknown as CampaignTerms);
    const places = sent.map((_name, at) => `ARGV[${first + at}]`);
    expect(textOf(file)).toContain(`local ${sent.join(', ')} = ${places.join(', ')}\n`);
  });

  it.each(scripts)('%s names its keys and arguments before it uses them', (file) => {
    const numbered = textOf(file)
      .split('\n')
      .filter(
        (line) => /(?:KEYS|ARGV)\[\d/.test(line) && !/^local [\w, ]+ = (?:(?:KEYS|ARGV)\[\d\](?:, |$))+$/.test(line),
      );
    expect(numbered).toEqual([]);
  });
});
