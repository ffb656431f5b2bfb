import { eyesOn, needsFourEyes } from './fourEyes';
import { type CaseState, isProven, type Person, statusOf } from './investigation';
import { dueAt } from './investigationDeadlines';
import { formatMoney } from '../money/format';
import { iso } from '../ids';
import { cell } from '../markdown';

/** Returns the case as a page in Markdown, which the Web UI shows under "User Metadata". */
export function casePage(state: CaseState): string {
  return [
    `## ${statusOf(state)}: ${formatMoney(state.facts.amount, state.facts.currency)}`,
    whatToDo(state),
    facts(state),
    standing(state),
    reasons(state),
    contributions(state),
    timeline(state),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function whatToDo(state: CaseState): string {
  const { closing, customer } = state;
  if (closing) return `**Closed as ${closing.label}** at ${iso(closing.at)}. There is nothing left to do.`;
  if (state.escalated === 'disagreement')
    return (
      '**To do:** two people disagree. A supervisor who has not proposed a decision must decide through the API: ' +
      `\`POST /v1/investigations/${state.facts.transactionId}/decide\`.`
    );
  const first =
    state.phase === 'asking' && customer.until !== undefined
      ? `The customer has been asked and has until ${iso(customer.until)}; you can decide earlier.`
      : 'Read the reasons and the timeline, then decide.';
  const eyes = needsFourEyes(state)
    ? ' The amount needs **two different proven people**: decide through the API; a name typed here is only recorded.'
    : '';
  return [
    `**To do:** ${first}${eyes}`,
    'More Actions › Send an Update › `decide`, with your name:',
    '```json\n{"decision": "fraud", "by": "your name", "note": "why"}\n```',
    'or `"decision": "genuine"`. Also `note` `{"text": "…", "by": "…"}` and `assign` `{"assignee": "…", "by": "…"}`.',
  ].join('\n\n');
}

function facts(state: CaseState): string {
  const { transactionId, userId, merchantId, channel, deviceId, country, timestamp } = state.facts;
  return table(
    ['', ''],
    [
      ['Transaction', `${transactionId}, ${iso(timestamp)}`],
      ['Customer', userId],
      ['Merchant', merchantId],
      ['How', [channel, country, deviceId && `device ${deviceId}`].filter(Boolean).join(', ') || 'unknown'],
      ['Outcome', state.outcome],
      [
        'Score',
        state.score === null ? `none${state.scoringFault ? `: ${state.scoringFault}` : ''}` : state.score.toFixed(3),
      ],
    ],
  );
}

function standing(state: CaseState): string {
  const { customer } = state;
  const due = dueAt(state);
  const answer =
    customer.answer !== undefined
      ? `${customer.answer}${customer.proven ? '' : ' (noted by hand)'}`
      : customer.asked
        ? 'asked, no answer'
        : 'not asked';
  const rows = [
    ['Payment', { none: 'not held', held: '**held**', released: 'released', final: 'blocked for good' }[state.hold]],
    ['"Was this you?"', answer],
    ['Assignee', state.assignee ?? 'nobody'],
    ...(due === undefined ? [] : [['Due', iso(due)]]),
    ...state.proposals.map(({ decision, by, at }) => ['Proposed', `**${decision}** by ${who(by)} at ${iso(at)}`]),
  ];
  if (state.proposals.length > 0 && !state.closing)
    rows.push([
      'Proven people',
      `fraud ${eyesOn(state.proposals, 'fraud')}, genuine ${eyesOn(state.proposals, 'genuine')} of 2`,
    ]);
  if (state.closing)
    rows.push([
      'Decided by',
      state.closing.by.map(who).join(' and ') || `the ${state.closing.how === 'policy' ? 'final policy' : 'customer'}`,
    ]);
  return table(['Status', ''], rows);
}

function reasons(state: CaseState): string {
  if (state.reasons.length === 0) return '';
  return table(
    ['Reason', 'Outcome', ''],
    state.reasons.map(({ code, outcome, text }) => [code, outcome ?? '', text]),
  );
}

function contributions(state: CaseState): string {
  if (state.contributions.length === 0) return '';
  return table(
    ['Feature', 'Value', 'Contribution (log-odds)'],
    state.contributions.map(({ feature, value, contribution }) => [
      feature,
      value === null ? 'missing' : String(Math.round(value * 1000) / 1000),
      `${contribution > 0 ? '+' : ''}${contribution.toFixed(3)}`,
    ]),
  );
}

function timeline(state: CaseState): string {
  const earlier = (state.recent[0]?.seq ?? 1) - 1;
  const shown = table(
    ['When', 'What', 'Who'],
    state.recent.map(({ at, text, by }) => [iso(at), text, by ? who(by) : '']),
  );
  return earlier === 0
    ? shown
    : `${shown}\n\n${earlier} earlier entries: \`GET /v1/investigations/${state.facts.transactionId}\`.`;
}

function who(person: Person): string {
  return isProven(person) ? person.name : `${person.name} (unproven)`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.map(cell)))].join('\n');
}
