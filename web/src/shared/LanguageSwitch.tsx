import { chooseLanguage, language, type Text, text } from './language.ts';

const CHOOSE: Text = { ko: 'English', en: '한국어' };

export function LanguageSwitch() {
  const other = language.value === 'ko' ? 'en' : 'ko';
  return (
    <button type="button" lang={other} onClick={() => chooseLanguage(other)}>
      {text(CHOOSE)}
    </button>
  );
}
