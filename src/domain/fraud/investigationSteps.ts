import { type Outcome, moreSevere } from './decision';
import { ruleOn, needsFourEyes } from './fourEyes';
import type {
  CaseFacts,
  CaseState,
  CustomerAnswer,
  FullScore,
  InvestigationPolicy,
  Person,
  TimelineEntry,
} from './investigation';
import { disagreementLetter, type Letter } from './investigationLetters';
import type { Label } from './label';
import { type Step, StepBuilder } from './investigationStepBuilder';
import { timePassed } from './investigationDeadlines';

/** The kinds of events that come from people's requests. */
export type PersonalKind = 'answered' | 'decided' | 'assigned' | 'noted';

/** An event of a case. The workflow has already established each person's proof of identity. */
export type CaseEvent =
  | { kind: 'scored'; result: FullScore }
  | { kind: 'answered'; answer: CustomerAnswer; by: Person }
  | { kind: 'decided'; decision: Label; by: Person; note?: string }
  | { kind: 'assigned'; assignee: string; by: Person }
  | { kind: 'noted'; text: string; by: Person }
  | { kind: 'undelivered'; letter: Letter; why: string }
  | { kind: 'cancellationRequested' }
  /** The step of a person's request was undone, because the table refused its texts. */
  | { kind: 'refused'; request: PersonalKind; why: string }
  | { kind: 'timePassed' };

/** Opens a case. With outcome `block` the payment is held at once; other outcomes wait for the full scoring first. */
export function openCase(facts: CaseFacts, policy: InvestigationPolicy): Step {
  const builder = new StepBuilder(
    {
      facts,
      policy,
      phase: 'scoring',
      revision: 0,
      nextSeq: 1,
      outcome: facts.outcome,
      score: facts.score,
      contributions: [],
      reasons: facts.reasons,
      hold: 'none',
      customer: { asked: false },
      deadlines: {},
      proposals: [],
      recent: [],
    },
    facts.openedAt,
  );
  const why = facts.reasons.map(({ text }) => text).join('; ');
  builder.say('opened', `Opened with outcome ${facts.outcome}${why && `: ${why}`}`);
  if (facts.outcome !== 'block') return builder.step();
  builder.hold('the decision was block');
  return builder.step('written');
}

/**
 * The state machine of an investigation. It is pure, so tests run all deadlines without waiting. An event that comes
 * too late (a score after the case was closed) changes nothing. The caller checks people's requests with `refusalOf`
 * before; this function applies them unchecked.
 * @param now epoch ms.
 */
export function next(state: CaseState, event: CaseEvent, now: number): Step {
  const builder = new StepBuilder(state, now);
  if (state.phase === 'closed') return builder.step();
  switch (event.kind) {
    case 'scored':
      return scored(builder, event.result);
    case 'answered':
      return answered(builder, event.answer, event.by);
    case 'decided':
      return decided(builder, event);
    case 'assigned':
      builder.state.assignee = event.assignee;
      builder.say('assigned', `Assigned to ${event.assignee}`, event.by);
      return builder.step('written');
    case 'noted':
      builder.say('noted', event.text, event.by);
      return builder.step('written');
    case 'undelivered':
      return undelivered(builder, event.letter, event.why);
    case 'cancellationRequested':
      builder.say(
        'cancellation',
        'Somebody requested a cancellation of this workflow. That does not end a case; decide it instead',
      );
      return builder.step('written');
    case 'refused':
      builder.say('refused', `A request (${event.request}) could not be stored and changed nothing: ${event.why}`);
      return builder.step('written');
    case 'timePassed':
      return timePassed(builder);
  }
}

/** The text of an entry whose own text the table refuses. */
const UNSTORABLE = 'The text of this entry could not be stored';

/** Returns the timeline entries of a refused step in a form that can be stored: without texts and names. */
export function withoutTexts(entries: readonly TimelineEntry[]): TimelineEntry[] {
  return entries.map(({ seq, at, kind }) => ({ seq, at, kind, text: UNSTORABLE }));
}

/**
 * Resumes a case from its row after its workflow was terminated or lost. A letter keeps its id and its time, so a
 * letter that the lost workflow has already sent is not sent again.
 * @param why how the previous workflow ended, e.g. `terminated`.
 * @param unsent letters that the lost workflow may not have sent.
 */
export function resumeCase(
  state: CaseState,
  { why, unsent }: { why: string; unsent: readonly Letter[] },
  now: number,
): Step {
  const builder = new StepBuilder(state, now);
  for (const letter of unsent) builder.send(letter);
  if (state.closing) return builder.step();
  builder.say('resumed', `The workflow of this case was ${why}; a new workflow continues the case`);
  return builder.step('written');
}

function scored(builder: StepBuilder, result: FullScore): Step {
  const { state } = builder;
  if (state.phase !== 'scoring') return builder.step();
  state.outcome = moreSevere(state.outcome, result.outcome);
  state.contributions = result.contributions;
  if (result.reasons.length > 0) state.reasons = result.reasons;
  if (result.score !== null) state.score = result.score;
  if (result.fault !== undefined) state.scoringFault = result.fault;
  const worse = state.outcome === state.facts.outcome ? '' : `, which makes it ${state.outcome}`;
  builder.say(
    'scored',
    result.score === null
      ? `Not scored: ${result.fault ?? 'the model did not answer'}`
      : `Scored ${result.score.toFixed(3)} by model ${result.modelVersion ?? 'of unknown version'}${worse}`,
  );
  const route: Record<Outcome, () => void> = {
    approve: () => builder.review('it was opened by hand'),
    alert: () => {
      state.phase = 'asking';
      builder.ask();
    },
    review: () => builder.review('the outcome is review'),
    block: () => {
      builder.hold('the outcome is block');
      builder.review('the outcome is block');
      builder.ask();
    },
  };
  route[state.outcome]();
  return builder.step('written');
}

function answered(builder: StepBuilder, answer: CustomerAnswer, by: Person): Step {
  const { state } = builder;
  const proven = by.proof !== 'none';
  state.customer = { ...state.customer, answer, proven };
  delete state.deadlines.answer;
  builder.say('answered', `The customer answered ${answer}${proven ? '' : ', as somebody noted by hand'}`, by);
  if (answer === 'no') {
    builder.hold('the customer denies it');
    if (state.phase === 'asking') builder.review('the customer denies it');
  } else if (state.phase === 'asking') {
    if (state.proposals.length > 0)
      builder.review('the customer confirms it, but an investigator has already proposed a decision');
    else if (!proven && needsFourEyes(state)) builder.review('an answer noted by hand is not enough for this amount');
    else builder.close('genuine', 'customer', []);
  }
  return builder.step('written');
}

function decided(builder: StepBuilder, { decision, by, note }: Extract<CaseEvent, { kind: 'decided' }>): Step {
  const { state } = builder;
  const ruling = ruleOn(state, { decision, by, at: builder.now });
  const because = note === undefined ? '' : `: ${note}`;
  if (ruling.kind === 'close') {
    builder.close(ruling.label, 'people', ruling.by, because);
    return builder.step('written');
  }
  state.proposals = ruling.proposals;
  const weight = by.proof === 'none' ? ', unproven' : '';
  builder.say('proposed', `Proposed ${decision}${weight}${because}`, by);
  if (ruling.kind === 'disagree') {
    state.escalated = 'disagreement';
    builder.send(disagreementLetter(state, builder.now));
    builder.say('disagreed', 'Two people disagree: a supervisor who has not proposed a decision must decide');
  }
  return builder.step('written');
}

function undelivered(builder: StepBuilder, letter: Letter, why: string): Step {
  const { state } = builder;
  builder.say('undelivered', `The message "${letter.subject}" to ${letter.recipient} could not be sent: ${why}`);
  if (letter.kind === 'ask' && state.customer.answer === undefined) {
    state.customer = { asked: false };
    delete state.deadlines.answer;
    if (state.phase === 'asking') builder.review('the customer could not be asked');
  }
  return builder.step('written');
}
