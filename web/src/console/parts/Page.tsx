import { type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { type Text, text } from '../../shared/language.ts';

const CONSOLE: Text = { ko: '쿠폰 콘솔', en: 'Coupon console' };

/** Has the operator come here from another page of the console? The first page keeps the focus where the browser has it. */
let cameByLink = false;

export function pageWasOpened(): void {
  cameByLink = true;
}

interface PageProps {
  /** The heading. A text that comes from the service, such as a name, is a string. */
  readonly title: Text | string;
  /** Buttons beside the heading. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A page: its heading, which gets the focus when the page is opened by a link, and the title of the window. */
export function Page({ title, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = typeof title === 'string' ? title : text(title);
  useEffect(() => {
    document.title = `${shown} · ${text(CONSOLE)}`;
  });
  useLayoutEffect(() => {
    if (cameByLink) heading.current?.focus();
  }, []);
  return (
    <>
      <div class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {shown}
        </h1>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}
