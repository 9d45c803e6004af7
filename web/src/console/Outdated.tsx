import { type Text, text } from '../shared/language.ts';
import { isOutdated } from '../shared/newer-build.ts';
import { Icon } from './parts/Icon.tsx';

const OUTDATED: Text = {
  ko: '서비스가 업데이트되었습니다. 이 페이지는 이전 버전입니다.',
  en: 'The service was upgraded. This page is of the version before.',
};
const RELOAD: Text = { ko: '새로 고침', en: 'Reload' };

/** Says that the page is older than the service. It goes on working: the operator chooses when to reload. */
export function Outdated() {
  return (
    <div role="status" class={isOutdated.value ? 'notice warn outdated' : 'notice-place'}>
      {isOutdated.value && (
        <>
          <Icon name="warn" />
          <div>
            {text(OUTDATED)}{' '}
            <button type="button" onClick={() => location.reload()}>
              {text(RELOAD)}
            </button>
          </div>
        </>
      )}
    </div>
  );
}
