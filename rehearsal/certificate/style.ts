/** The style of the page. It loads nothing, follows the reader's light or dark setting, and prints. */
export const STYLE = `
:root { color-scheme: light dark; --page: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --box: #f6f8fa;
  --good: #116329; --bad: #b3261e; --a: #0b57d0; --b: #116329; --c: #a2560b; --d: #7a3fb0; --mark: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1318; --ink: #e6e9ed; --soft: #9aa4b0; --line: #303842;
  --box: #171d24; --good: #5fd38a; --bad: #ff8a80; --a: #7db3ff; --b: #5fd38a; --c: #f0a35e; --d: #c79bff; --mark: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 860px; padding: 24px 20px 48px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif; }
h1 { font-size: 17px; font-weight: 600; color: var(--soft); margin: 0 0 4px; }
h2 { font-size: 18px; margin: 32px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 6px; }
.broken-off { border: 2px solid var(--bad); border-radius: 6px; padding: 8px 14px; margin: 0 0 16px; font-weight: 600; }
.verdict { font-size: 28px; line-height: 1.25; font-weight: 700; margin: 0; }
.verdict.kept, td.kept { color: var(--good); } .verdict.broken, td.broken { color: var(--bad); }
td.kept, td.broken { font-weight: 600; }
.lead { margin: 6px 0 0; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
.scroll { overflow-x: auto; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); }
td.n + td:not(.n), th.n + th:not(.n) { padding-left: 24px; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th[scope=row] { font-weight: 400; color: var(--ink); }
figure { margin: 0 0 8px; } figure > svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); stroke-width: 1; }
path.a, path.b, path.c, path.d { fill: none; stroke-width: 2; stroke-linejoin: round; }
.a { stroke: var(--a); } .b { stroke: var(--b); stroke-dasharray: 8 3; } .c { stroke: var(--c); stroke-dasharray: 2 3; }
.d { stroke: var(--d); stroke-dasharray: 9 3 2 3; }
circle.a { fill: var(--a); } circle.b { fill: var(--b); } circle.c { fill: var(--c); } circle.d { fill: var(--d); }
.mark { fill: var(--mark); opacity: .16; } svg .mark-label { fill: var(--mark); font-size: 11px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 2px 0 6px; padding: 0; font-size: 13px; }
.legend svg { width: 34px; height: 10px; margin-right: 6px; vertical-align: middle; }
details { margin: 0 0 12px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }
code, .found { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.found { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px; overflow-x: auto; }
.note { color: var(--soft); font-size: 13px; margin: 6px 0 0; }
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --box: #fff; --good: #0a4d1e;
  --bad: #8c1d18; --a: #0842a0; --b: #0a4d1e; --c: #7a3f00; --d: #5b2c8a; --mark: #8c1d18; }
  body { max-width: none; padding: 0; } h2, h3 { break-after: avoid; } figure, tr { break-inside: avoid; } details:not([open]) { display: none; } }
`;
