import { useEffect } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { api, type Schemas } from '../api/client.ts';
import { number, type Text, text } from '../shared/language.ts';
import { LanguageSwitch } from '../shared/LanguageSwitch.tsx';

const TITLE: Text = { ko: '선착순 쿠폰', en: 'Coupons, first come, first served' };
const LEFT: Text = { ko: '{n}개 남음', en: '{n} left' };

export function Shop() {
  const campaigns = useSignal<readonly Schemas['Campaign'][]>([]);
  useEffect(() => {
    void api.GET('/api/campaigns').then(({ data }) => {
      if (data !== undefined) campaigns.value = data.items;
    });
  }, [campaigns]);
  return (
    <main>
      <h1>{text(TITLE)}</h1>
      <LanguageSwitch />
      <ul>
        {campaigns.value.map(({ id, name, remaining }) => (
          <li key={id}>
            <a href={`drop/${id}`}>{name}</a> {remaining !== null && text(LEFT, { n: number(remaining) })}
          </li>
        ))}
      </ul>
    </main>
  );
}
