import { iso } from '../ids';
import type { CaseState, Closing, Person, TimelineEntry, TimelineKind } from './investigation';
import { askLetter, type Letter, outcomeLetter, reminderLetter } from './investigationLetters';
import type { Label } from './label';

/** The result of an event: the new state, the timeline entries to write and the letters to send. */
export interface Step {
  state: CaseState;
  entries: TimelineEntry[];
  letters: Letter[];
}

/** Number of timeline entries on the case's page; the table has all entries. */
export const RECENT_ENTRIES = 20;

/** Collects the changes of one step on a copy of the state. */
export class StepBuilder {
  readonly state: CaseState;
  private readonly entries: TimelineEntry[] = [];
  private readonly letters: Letter[] = [];

  constructor(
    before: CaseState,
    readonly now: number,
  ) {
    this.state = { ...before, deadlines: { ...before.deadlines } };
  }

  say(kind: TimelineKind, text: string, by?: Person): void {
    const entry: TimelineEntry = { seq: this.state.nextSeq, at: this.now, kind, text, ...(by && { by }) };
    this.state.nextSeq += 1;
    this.entries.push(entry);
    this.state.recent = [...this.state.recent, entry].slice(-RECENT_ENTRIES);
  }

  send(letter: Letter): void {
    this.letters.push(letter);
  }

  hold(because: string): void {
    if (this.state.hold !== 'none') return;
    this.state.hold = 'held';
    this.say('held', `The payment is held: ${because}`);
  }

  ask(): void {
    const until = this.now + this.state.policy.answerWithinMs;
    this.state.customer = { asked: true, until };
    this.state.deadlines.answer = until;
    this.send(askLetter(this.state, this.now, until));
    this.say('asked', `The customer is asked "was this you?" and has until ${iso(until)}`);
  }

  review(because: string): void {
    const { slaWarningMs, slaBreachMs, finalAfterMs } = this.state.policy;
    this.state.phase = 'review';
    this.state.deadlines = {
      ...this.state.deadlines,
      warning: this.now + slaWarningMs,
      breach: this.now + slaBreachMs,
      final: this.now + finalAfterMs,
    };
    this.say('review', `Waits for an investigator: ${because}`);
  }

  remind(): void {
    this.state.deadlines.reminder = this.now + this.state.policy.remindEveryMs;
    this.send(reminderLetter(this.state, this.now));
  }

  close(label: Label, how: Closing['how'], by: Person[], because = ''): void {
    this.state.phase = 'closed';
    this.state.closing = { label, at: this.now, how, by };
    this.state.deadlines = {};
    if (label === 'fraud') this.state.hold = 'final';
    else if (this.state.hold === 'held') this.state.hold = 'released';
    const whose = { people: '', customer: ' by the customer', policy: ' by the final policy' }[how];
    this.send(outcomeLetter(this.state, this.now, label));
    this.say('closed', `Closed as ${label}${whose}${because}`, by.at(-1));
  }

  /** Ends the step. @param written the step changes the case's row, so the revision increases. */
  step(written?: 'written'): Step {
    if (written) this.state.revision += 1;
    return { state: this.state, entries: this.entries, letters: this.letters };
  }
}
