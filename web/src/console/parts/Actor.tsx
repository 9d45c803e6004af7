import { type Schemas } from '../../api/client.ts';
import { keyIdEnd } from './key-id-end.ts';

/** Who did it: the name, and of a key the end of its id. */
export function Actor({ actor: { id, name } }: { readonly actor: Schemas['AuditEntry']['actor'] }) {
  const end = keyIdEnd(id);
  return (
    <>
      {name}
      {end !== null && (
        <>
          {' '}
          <small class="muted">
            <code>{end}</code>
          </small>
        </>
      )}
    </>
  );
}
