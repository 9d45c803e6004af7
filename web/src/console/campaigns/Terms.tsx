import { number, type Text, text } from '../../shared/language.ts';
import { Time } from '../parts/Time.tsx';
import { type Campaign } from './campaign.ts';
import { CHALLENGE_NAMES, TERM_NAMES } from './CampaignFields.tsx';
import './campaigns.css';

const TITLE: Text = { ko: '조건', en: 'Terms' };
const YES: Text = { ko: '예', en: 'yes' };
const NO: Text = { ko: '아니요', en: 'no' };
const NEVER: Text = { ko: '끝나지 않음', en: 'never' };
const VERSION: Text = { ko: '버전', en: 'Version' };
const MADE: Text = { ko: '생성', en: 'Made' };

/** What the campaign's claims are decided by. */
export function Terms({ campaign }: { readonly campaign: Campaign }) {
  const { total, startsAt, endsAt, requireEntry, challenge, challengeCost, version, createdAt } = campaign;
  return (
    <section class="panel" aria-labelledby="terms">
      <h2 id="terms">{text(TITLE)}</h2>
      <dl class="terms">
        <dt>{text(TERM_NAMES.total)}</dt>
        <dd class="number">{number(total)}</dd>
        <dt>{text(TERM_NAMES.startsAt)}</dt>
        <dd>
          <Time at={startsAt} />
        </dd>
        <dt>{text(TERM_NAMES.endsAt)}</dt>
        <dd>{endsAt === null ? text(NEVER) : <Time at={endsAt} />}</dd>
        <dt>{text(TERM_NAMES.requireEntry)}</dt>
        <dd>{text(requireEntry ? YES : NO)}</dd>
        {requireEntry && (
          <>
            <dt>{text(TERM_NAMES.challenge)}</dt>
            <dd>
              {text(CHALLENGE_NAMES[challenge])}
              {challenge === 'proof-of-work' && ` (${number(challengeCost)})`}
            </dd>
          </>
        )}
        <dt>{text(MADE)}</dt>
        <dd>
          <Time at={createdAt} />
        </dd>
        <dt>{text(VERSION)}</dt>
        <dd class="number">{version}</dd>
      </dl>
    </section>
  );
}
