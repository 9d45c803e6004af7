import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../api/client.ts';
import { text } from '../shared/language.ts';
import { isEmbedded } from './embedding.ts';
import { T } from './texts.ts';

/** In a trial, whoever opens the first page also wants to see the rest. Shoppers of a real drop do not. */
export function TrialLine() {
  const isTrial = useSignal(false);
  useEffect(() => {
    if (isEmbedded) return;
    api.GET('/api/service').then(
      ({ data }) => (isTrial.value = data?.profile === 'embedded'),
      () => undefined,
    );
  }, [isTrial]);
  return (
    <footer class="muted">
      {isTrial.value && (
        <>
          {text(T.tryIt)} <a href="console">{text(T.console)}</a> <a href="docs">{text(T.docs)}</a>
        </>
      )}
    </footer>
  );
}
