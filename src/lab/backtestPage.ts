import { outcomes } from '../domain/fraud/decision';
import { iso } from '../domain/ids';
import type { BacktestReport, CandidateReport } from './backtest';

const COLOURS = ['#0b57d0', '#b3261e'];
const [WIDTH, HEIGHT, MARGIN] = [520, 320, 44];
const x = (share: number): string => (MARGIN + share * (WIDTH - MARGIN - 10)).toFixed(1);
const y = (share: number): string => (HEIGHT - MARGIN - share * (HEIGHT - MARGIN - 10)).toFixed(1);

/** Returns a backtest report as one self-contained HTML page. */
export function htmlReport(report: BacktestReport): string {
  const { window, payments, frauds, unknown, candidates } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Backtest ${iso(window.from)} to ${iso(window.to)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1a1a; background: #fff }
table { border-collapse: collapse; margin: 1rem 0 2rem }
th, td { text-align: right; padding: .3rem .9rem; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left }
.charts { display: flex; flex-wrap: wrap; gap: 2rem }
svg { max-width: 100% } text { font: 12px system-ui, sans-serif; fill: #444 }
</style>
</head>
<body>
<h1>Backtest</h1>
<p>${iso(window.from)} to ${iso(window.to)}: ${payments} payments, \
${frauds} of them fraud${unknown > 0 ? `, ${unknown} unlabelled` : ''}.</p>
${figures(candidates)}
<div class="charts">
<figure><figcaption>Precision by recall</figcaption>${curves(candidates)}</figure>
${candidates.map(scoresFigure).join('\n')}
</div>
${candidates.map((one) => detail(one, frauds)).join('\n')}
${changes(report)}
</body>
</html>
`;
}

const scoresFigure = (one: CandidateReport, i: number): string =>
  '<figure><figcaption>Payments by score, on a logarithmic scale: ' +
  `${escaped(one.name)}</figcaption>${histogram(one, COLOURS[i] ?? '#444')}</figure>`;

const fixed = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(4));
const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`);
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const cells = (kind: 'th' | 'td', values: readonly (string | number)[]): string =>
  `<tr>${values.map((value) => `<${kind}>${escaped(String(value))}</${kind}>`).join('')}</tr>`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const body = rows.map((row) => cells('td', row)).join('');
  return `<table><thead>${cells('th', head)}</thead><tbody>${body}</tbody></table>`;
}

const figures = (candidates: readonly CandidateReport[]): string =>
  table(
    [
      '',
      'model',
      'ROC AUC',
      'average precision',
      'AUC, not yet found',
      'AP, not yet found',
      'card precision at 100',
      'value detected',
      'value lost',
    ],
    candidates.map(({ name, modelVersion, rocAuc, averagePrecision, unfound, value: { detected, lost } }) => [
      name,
      modelVersion,
      fixed(rocAuc),
      fixed(averagePrecision),
      fixed(unfound.rocAuc),
      fixed(unfound.averagePrecision),
      fixed(unfound.cardPrecision100),
      `EUR ${detected.toFixed(0)} (${percent(detected, detected + lost)})`,
      `EUR ${lost.toFixed(0)}`,
    ]),
  );

function detail({ name, outcomes: counts, rules }: CandidateReport, frauds: number): string {
  const decided = outcomes.map((outcome) => {
    const { genuine, fraud, unknown } = counts[outcome];
    return [outcome, genuine, fraud, unknown, percent(fraud, fraud + genuine), percent(fraud, frauds)];
  });
  const hit = rules.map(({ id, outcome, shadow, hits: { genuine, fraud, unknown } }) => [
    `${id}${shadow ? ' (shadow)' : ''}`,
    outcome,
    genuine,
    fraud,
    unknown,
    percent(fraud, fraud + genuine),
    percent(fraud, frauds),
  ]);
  return `<h2>${escaped(name)}</h2>
${table(['outcome', 'genuine', 'fraud', 'unlabelled', 'precision', 'recall'], decided)}
${hit.length > 0 ? table(['rule', 'outcome', 'genuine', 'fraud', 'unlabelled', 'precision', 'recall'], hit) : ''}`;
}

const changes = ({ changes: moved }: BacktestReport): string =>
  moved
    ? `<h2>Decisions that differ</h2>${table(
        ['first \\ second', ...outcomes],
        outcomes.map((from) => [from, ...outcomes.map((to) => moved[from][to])]),
      )}`
    : '';

const frame = (inside: string, xLabel: string): string =>
  `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img"><path d="M${x(0)} ${y(1)}V${y(0)}H${x(1)}" ` +
  `fill="none" stroke="#888"/>${inside}<text x="${x(0.5)}" y="${HEIGHT - 8}" ` +
  `text-anchor="middle">${xLabel}</text></svg>`;

function curves(candidates: readonly CandidateReport[]): string {
  const ticks = [0, 0.25, 0.5, 0.75, 1]
    .map(
      (at) =>
        `<text x="${x(at)}" y="${HEIGHT - 26}" text-anchor="middle">${at}</text><text x="${MARGIN - 6}" ` +
        `y="${Number(y(at)) + 4}" text-anchor="end">${at}</text>`,
    )
    .join('');
  const lines = candidates
    .map(({ curve, name }, i) => {
      const points = curve.map(({ recall, precision }) => `${x(recall)},${y(precision)}`).join(' ');
      const colour = COLOURS[i] ?? '#444';
      return (
        `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${x(0.04)}" ` +
        `y="${Number(y(0.06)) - 16 * i}" style="fill:${colour}">${escaped(name)}</text>`
      );
    })
    .join('');
  return frame(ticks + lines, 'recall');
}

function histogram({ distribution }: CandidateReport, colour: string): string {
  const highest = Math.log10(1 + Math.max(...distribution.map(({ genuine, fraud }) => Math.max(genuine, fraud))));
  const width = 1 / distribution.length;
  const bar = (count: number, at: number, share: number, fill: string): string => {
    const height = highest === 0 ? 0 : Math.log10(1 + count) / highest;
    return (
      `<rect x="${x(at)}" y="${y(height)}" width="${(share * width * (WIDTH - MARGIN - 10)).toFixed(1)}" ` +
      `height="${(Number(y(0)) - Number(y(height))).toFixed(1)}" fill="${fill}"><title>${count}</title></rect>`
    );
  };
  const bars = distribution
    .map(
      ({ genuine, fraud }, i) => bar(genuine, i * width, 0.42, '#bbb') + bar(fraud, (i + 0.45) * width, 0.42, colour),
    )
    .join('');
  const ticks = [0, 0.5, 1]
    .map((at) => `<text x="${x(at)}" y="${HEIGHT - 26}" text-anchor="middle">${at}</text>`)
    .join('');
  return frame(`${bars}${ticks}<text x="${x(0.6)}" y="${y(0.95)}">grey: genuine, colour: fraud</text>`, 'score');
}
