/** Shapes of states and notices. Each kind has a shape of its own: a colour never says something alone. */
const SHAPES = {
  /** A full dot: it runs. */
  on: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  /** A clock: it waits for its time. */
  wait: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="1.75" />
      <path d="M8 5v3.2L10 10" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />
    </>
  ),
  /** Two bars: somebody holds it. */
  pause: <path d="M4 3h3v10H4zM9 3h3v10H9z" fill="currentColor" />,
  /** A square: it is over for good. */
  stop: <rect x="3.5" y="3.5" width="9" height="9" rx="1" fill="currentColor" />,
  /** A ring: it is over by itself. */
  end: <circle cx="8" cy="8" r="4.5" fill="none" stroke="currentColor" stroke-width="2.25" />,
  /** A dashed ring: nobody else sees it. */
  draft: (
    <circle cx="8" cy="8" r="5" fill="none" stroke="currentColor" stroke-width="1.75" stroke-dasharray="2.6 2.6" />
  ),
  good: (
    <path
      d="M3 8.5l3.2 3.2L13 4.8"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  ),
  warn: (
    <path
      d="M8 2.5l6.2 11H1.8zM8 6.5v3.2M8 11.6v.2"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  ),
  bad: <path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="M8 7.3v3.7M8 4.9v.2" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
    </>
  ),
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}
