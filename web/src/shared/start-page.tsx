import { effect } from '@preact/signals';
import { type ComponentType, render } from 'preact';
import { language } from './language.ts';
import './theme.css';

/** Draws the page, and tells the browser and screen readers in which language it is. */
export function startPage(Page: ComponentType): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  const place = document.getElementById('page');
  if (place !== null) render(<Page />, place);
}
