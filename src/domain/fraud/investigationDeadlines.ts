import type { CaseState, DeadlineKind } from './investigation';
import { breachLetter, warningLetter } from './investigationLetters';
import type { Step, StepBuilder } from './investigationStepBuilder';
import type { Label } from './label';

/** Returns the earliest pending deadline in epoch ms; undefined when there is none. */
export function nextDeadline(state: CaseState): number | undefined {
  const pending = Object.values(state.deadlines);
  return pending.length === 0 ? undefined : Math.min(...pending);
}

/**
 * Returns the deadline to show for a case, in epoch ms: the customer's while the case is asking, the investigators'
 * in review; undefined when there is none.
 */
export function dueAt(state: CaseState): number | undefined {
  if (state.closing) return undefined;
  const { answer, warning, breach, final, reminder } = state.deadlines;
  return state.phase === 'asking' ? answer : (breach ?? warning ?? final ?? reminder);
}

/** Returns the earliest deadline that has passed; undefined when there is none. @param now epoch ms. */
function passedDeadline({ deadlines }: CaseState, now: number): DeadlineKind | undefined {
  const passed = (Object.entries(deadlines) as [DeadlineKind, number][]).filter(([, at]) => at <= now);
  return passed.sort(([, a], [, b]) => a - b)[0]?.[0];
}

/** Applies every deadline that has passed, in order of time. Deadlines that passed while no worker ran are included. */
export function timePassed(builder: StepBuilder): Step {
  const { state, now } = builder;
  let fired = false;
  for (let due = passedDeadline(state, now); due !== undefined; due = passedDeadline(state, now)) {
    delete state.deadlines[due];
    fallDue[due](builder);
    fired = true;
  }
  return fired ? builder.step('written') : builder.step();
}

/** What each deadline does when it passes. */
const fallDue: Record<DeadlineKind, (builder: StepBuilder) => void> = {
  answer: (builder) => {
    builder.say('unanswered', 'The customer did not answer in time');
    if (builder.state.phase === 'asking') builder.review('the customer did not answer');
  },
  warning: (builder) => {
    builder.send(warningLetter(builder.state, builder.now));
    builder.say('warned', 'Due soon: the investigators were notified');
  },
  breach: (builder) => {
    builder.state.escalated ??= 'breach';
    builder.send(breachLetter(builder.state, builder.now));
    builder.say('breached', 'Overdue: escalated to the supervisors');
  },
  final: (builder) => {
    const { policy, proposals, customer } = builder.state;
    const label: Label = policy.finalPolicy === 'confirm' ? 'fraud' : 'genuine';
    // The final policy never overrules a person's proposal or the customer's answer.
    const overruled = customer.answer === (label === 'genuine' ? 'no' : 'yes');
    if (policy.finalPolicy !== 'keep' && proposals.length === 0 && !overruled) {
      builder.close(label, 'policy', []);
      return;
    }
    builder.say('final', 'Nobody closed the case in time: it stays open, and the supervisors are reminded');
    builder.remind();
  },
  reminder: (builder) => {
    builder.say('reminded', 'Still open: the supervisors were reminded');
    builder.remind();
  },
};
