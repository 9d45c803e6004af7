import { useSignal } from '@preact/signals';
import { Fragment } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, type Schemas } from '../api/client.ts';
import { text } from '../shared/language.ts';
import { isEmbedded } from './embedding.ts';
import { T } from './texts.ts';

/** In a trial, whoever opens the first page also wants to see the rest. Shoppers of a real drop do not. */
export function TrialLine() {
  const pages = useSignal<Schemas['Service']['operatorPages']>([]);
  useEffect(() => {
    if (isEmbedded) return;
    api.GET('/api/service').then(
      ({ data }) => (pages.value = data?.profile === 'embedded' ? data.operatorPages : []),
      () => undefined,
    );
  }, [pages]);
  return (
    <footer class="muted">
      {pages.value.length > 0 && text(T.tryIt)}
      {pages.value.map((page) => (
        <Fragment key={page}>
          {' '}
          <a href={page}>{text(T[page])}</a>
        </Fragment>
      ))}
    </footer>
  );
}
