import { type Text, text } from '../../shared/language.ts';
import { Icon } from '../parts/Icon.tsx';

const WARNINGS = {
  gate: {
    ko: '발급 게이트가 응답하지 않았습니다. 방금 접수되어 아직 저장되지 않은 신청은 빠져 있을 수 있으니, 잠시 후 다시 검색해 주세요.',
    en: 'The gate did not answer. A claim that was taken a moment ago and is not stored yet may be missing: search again in a moment.',
  },
  more: {
    ko: '한 번에 찾을 수 있는 것보다 많습니다. 일부 캠페인이 빠져 있습니다.',
    en: 'There is more than one search looks at. Some campaigns are missing.',
  },
} as const satisfies Record<string, Text>;

/** What the answer of a search does not hold. */
export function Warning({ of }: { readonly of: keyof typeof WARNINGS }) {
  return (
    <div class="notice warn">
      <Icon name="warn" />
      <div>{text(WARNINGS[of])}</div>
    </div>
  );
}
