import { type Text, text } from '../../shared/language.ts';

const TITLE: Text = { ko: '캠페인', en: 'Campaigns' };

export default function Campaigns() {
  return <h1>{text(TITLE)}</h1>;
}
