/** The style of the page, light and dark, from 375 pixels on. */
export const STYLE = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2330; --faint: #566072; --line: #d8dde6;
  --link: #0a58ca; --good: #116b3c; --warn: #8a5300; --bad: #b3261e; --good-back: #e3f4ea; --warn-back: #fdf0d8; --bad-back: #fbe6e4;
  --held: #6a3b9c; --held-back: #f1e8fa; --wait: #07597d; --wait-back: #e1f1f9;
  --overrides: #2f6fde; --attempts: #b0620d; --dns: #4f8a4b; }
@media (prefers-color-scheme: dark) { :root { --back: #12161d; --card: #1b212b; --text: #e6eaf1; --faint: #a5afbf; --line: #343d4b;
  --link: #8ab8ff; --good: #7fd6a4; --warn: #f0bd6c; --bad: #ff9d94; --good-back: #16321f; --warn-back: #3a2c12; --bad-back: #43201d;
  --held: #cbaaff; --held-back: #2c2140; --wait: #86cbee; --wait-back: #15303f;
  --overrides: #6ea2ff; --attempts: #e79a45; --dns: #82c27d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main, footer { max-width: 1500px; margin: 0 auto; padding: 0 16px; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; padding-top: 14px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 0 0 10px; } h3 { font-size: 15px; margin: 14px 0 6px; }
p { margin: 0 0 8px; } .faint, caption, footer { color: var(--faint); }
a { color: var(--link); } a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible
  { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 8px; top: 8px; background: var(--card); padding: 8px; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 14px; list-style: none; margin: 8px 0 0; padding: 0; }
nav { max-width: 1500px; margin: 0 auto; padding: 0 16px; }
main { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 14px; padding-top: 14px; }
section { grid-column: span 12; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px; min-width: 0; }
/* The two forms stand side by side until one has an answer. */
@media (min-width: 1100px) { .half { grid-column: span 6; } #explain:has(pre), #story:has(#told), main:has(#told) #explain, main:has(#explain pre) #story { grid-column: span 12; } }
section.bad { border: 2px solid var(--bad); background: var(--bad-back); }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; padding-bottom: 6px; }
th, td { text-align: left; vertical-align: top; padding: 5px 8px; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 600; border-top: 0; overflow-wrap: normal; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.brief, .number { white-space: nowrap; } th.address { min-width: 13em; } th.name { min-width: 11em; }
tr.bad { background: var(--bad-back); } tr.warn { background: var(--warn-back); }
tr.held { background: var(--held-back); } tr.wait { background: var(--wait-back); }
.badge { font-weight: 600; } .badge.good { color: var(--good); } .badge.warn { color: var(--warn); } .badge.bad { color: var(--bad); }
.badge.held { color: var(--held); } .badge.wait { color: var(--wait); }
code, pre { font: 13px/1.45 ui-monospace, 'DejaVu Sans Mono', monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; } table + pre { margin-top: 10px; }
td code { overflow-wrap: anywhere; }
form { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 10px; align-items: end; margin-bottom: 12px; }
label { display: grid; gap: 2px; color: var(--faint); font-size: 13px; }
input, select { font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--faint); border-radius: 5px; padding: 6px 8px; width: 100%; }
button { font: inherit; color: var(--text); background: var(--back); border: 1px solid var(--faint); border-radius: 5px; padding: 6px 18px; cursor: pointer; justify-self: start; }
svg { width: 100%; height: 150px; display: block; } .overrides { fill: var(--overrides); } .attempts { fill: var(--attempts); } .dns { fill: var(--dns); }
.axis { stroke: var(--line); } svg text { fill: var(--faint); font-size: 11px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 10px; } .legend svg { width: 12px; height: 12px; display: inline-block; vertical-align: -1px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; margin: 0 0 10px; } dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
ul.links { display: flex; flex-wrap: wrap; gap: 4px 14px; list-style: none; margin: 0 0 8px; padding: 0; }
footer { padding: 14px 16px 30px; font-size: 13px; }
@media (max-width: 700px) {
  thead { position: absolute; left: -9999px; } table, tbody, caption { display: block; width: 100%; }
  /* Figures and single words share a line. */
  tr { display: flex; flex-wrap: wrap; gap: 2px 14px; border-top: 1px solid var(--line); padding: 6px; } td { flex: 0 0 100%; border: 0; padding: 0; }
  td.number, td.brief { flex-basis: auto; text-align: left; } td::before { content: attr(data-title) ' '; color: var(--faint); font-size: 13px; }
  /* All of it stands in the story of the message. */
  #recent td.text > span, #queue td.text > span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
  dl { grid-template-columns: fit-content(45%) minmax(0, 1fr); }
  section { padding: 12px; } header, main, footer, nav { padding-left: 10px; padding-right: 10px; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
`
