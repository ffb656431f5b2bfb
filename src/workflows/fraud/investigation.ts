import type { UpdateDefinition } from '@temporalio/common';
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  currentUpdateInfo,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { FraudActivities } from '../../activities/fraud/types';
import { defined } from '../../domain/defined';
import {
  type CaseState,
  type FullScore,
  type Person,
  statusOf,
  type TimelineEntry,
} from '../../domain/fraud/investigation';
import { dueAt, nextDeadline } from '../../domain/fraud/investigationDeadlines';
import type { Letter } from '../../domain/fraud/investigationLetters';
import { casePage } from '../../domain/fraud/investigationPage';
import { closingWrite, type CaseWrite, progressWrite } from '../../domain/fraud/investigationRecord';
import {
  type CaseRequest,
  claimOf,
  eventOf,
  isPersonal,
  refusalOf,
  refusalOfRequest,
} from '../../domain/fraud/investigationRequests';
import { type CaseEvent, next, openCase, resumeCase, withoutTexts } from '../../domain/fraud/investigationSteps';
import type { Step } from '../../domain/fraud/investigationStepBuilder';
import { iso } from '../../domain/ids';
import { noteOnPage, onCancellationRequested, showDetails } from '../cancellation';
import { isSuperseded, refusalIn } from '../refusals';
import { searchAttributePairs, type SearchAttributeName } from '../../domain/platform/searchAttributes';
import {
  answerUpdate,
  assignUpdate,
  decideUpdate,
  type InvestigationInput,
  type InvestigationResult,
  noteUpdate,
  REFUSED_UPDATE,
  type UpdateOutcome,
} from '../../domain/fraud/workflows';

// Database operations: fast, and retried without limit, because an outage must not lose a case.
const { recordCase, closeCase, proveSender, readCase } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});
// The model: after four attempts the case continues without it, because investigators can still decide.
const { scoreCase } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '15 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 3, maximumAttempts: 4 },
});
// Channels retry within an attempt. A letter that no channel accepts for an hour is recorded as undelivered.
const { sendLetter } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** The lifecycle of a case, from its opening to its label. The domain decides; this workflow waits, writes, sends. */
export async function investigation(input: InvestigationInput): Promise<InvestigationResult> {
  const run = new CaseRun(input);
  run.takeRequests();
  run.open();
  for (;;) {
    if (await run.writeNext()) continue;
    if (run.isSuperseded) return run.goOnFromRecord(input);
    if (run.isQuiet()) {
      if (run.closing) return { label: run.closing.label, closedAt: iso(run.closing.at) };
      if (run.isLong()) await continueAsNew<typeof investigation>({ ...input, carried: run.state });
    }
    await run.waitForWork();
  }
}

/** A step of a case whose write is pending. */
interface Pending {
  write: CaseWrite;
  /** The event that caused the step; absent for the case's opening. */
  event?: CaseEvent;
  /** The case before the step. */
  before: CaseState;
  /** Timeline entries of earlier steps without a write of their own; this write includes them. */
  carried: TimelineEntry[];
  /** All timeline entries of this write, with their texts. */
  entries: TimelineEntry[];
  isWithoutTexts?: boolean;
  outcome: 'pending' | 'written' | 'superseded' | { refused: string };
}

/** The answer to a request that a reset workflow accepted before it found that the case's row is ahead of it. */
const SUPERSEDED =
  'Nothing was changed: somebody reset the workflow of this case, and it is reading the case again. ' +
  'Read the case and send the request again';

/** The pause between two attempts at a refused write; it doubles up to an hour. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

class CaseRun {
  state: CaseState;
  /** Pending steps in order; each increments the row's revision by one. */
  private unwritten: Pending[] = [];
  /** Timeline entries of steps without a write of their own; the next write includes them. */
  private unwrittenEntries: TimelineEntry[] = [];
  /** Number of letters and scorings in progress. */
  private background = 0;
  private unsent: Letter[] = [];
  private pauseMs = FIRST_PAUSE_MS;
  /**
   * The search attributes set by the start or the previous run. An upsert is a billable action, so repeats are skipped.
   */
  private shownAttributes: string;
  private readonly opening: Step | undefined;
  private readonly firstRevision: number;
  /** The reason why the next step cannot be written now, even without its texts. */
  private stuck: string | undefined;
  /** Whether the row is ahead of this run, because somebody reset the workflow. Then this run must not write. */
  isSuperseded = false;

  constructor({ facts, policy, carried, lost }: InvestigationInput) {
    if (carried && lost) this.opening = resumeCase(carried, lost, Date.now());
    else if (!carried) this.opening = openCase(facts, policy);
    this.state = carried ?? openCase(facts, policy).state;
    this.firstRevision = carried?.revision ?? 0;
    this.shownAttributes = JSON.stringify(this.attributes());
    onCancellationRequested(() => this.apply({ kind: 'cancellationRequested' }));
  }

  get closing(): CaseState['closing'] {
    return this.state.closing;
  }

  /** Records the opening of a new or resumed case, and starts the full scoring unless a previous run has done it. */
  open(): void {
    // The row is at revision 0 for a new case, or at the revision that the lost workflow has written.
    if (this.opening) this.take(this.opening, { ...this.state, revision: this.firstRevision });
    else this.show();
    if (this.state.phase === 'scoring')
      this.inBackground(async () => this.apply({ kind: 'scored', result: await this.score() }));
  }

  takeRequests(): void {
    this.handle(decideUpdate, 'decide');
    this.handle(assignUpdate, 'assign');
    this.handle(noteUpdate, 'note');
    this.handle(answerUpdate, 'answer');
  }

  /** Writes the oldest pending step; returns false when there is nothing to write. */
  async writeNext(): Promise<boolean> {
    const [pending] = this.unwritten;
    if (!pending) return false;
    const { write } = pending;
    try {
      await ('label' in write ? closeCase(write as Parameters<typeof closeCase>[0]) : recordCase(write));
    } catch (error) {
      if (isSuperseded(error)) return this.supersede();
      const reason = refusalIn(error);
      if (reason === undefined) throw error;
      await this.notWritten(pending, reason);
      return true;
    }
    this.unwritten.shift();
    this.pauseMs = FIRST_PAUSE_MS;
    pending.outcome = 'written';
    return true;
  }

  /** Discards the pending steps, because they follow from an outdated state of the case. */
  private supersede(): false {
    this.isSuperseded = true;
    for (const pending of this.unwritten.splice(0)) pending.outcome = 'superseded';
    return false;
  }

  /**
   * Reads the case and continues from its row in a new run. A reset rewinds the workflow's state but not the row, so
   * the decisions, proposals, notes and holds in the row stay valid.
   */
  async goOnFromRecord({ policy }: InvestigationInput): Promise<InvestigationResult> {
    const { facts } = this.state;
    await condition(allHandlersFinished);
    const found = await readCase(facts.transactionId, policy);
    if ('closed' in found) return found.closed;
    const { carried, unsent } = found;
    this.state = carried;
    // The next run inherits its search attributes from this one.
    this.show();
    return continueAsNew<typeof investigation>({ facts, policy, carried, lost: { why: 'reset', unsent } });
  }

  /**
   * Handles a permanently refused write. A person's request is undone and refused, so the case is as before. A step
   * caused by time or the model is written without its texts; if that is refused, too, the workflow retries after a
   * pause and refuses requests until the step is written.
   */
  private async notWritten(pending: Pending, reason: string): Promise<void> {
    const { event, write, entries } = pending;
    if (isPersonal(event)) return this.undoRequest(pending, reason);
    if (!pending.isWithoutTexts) {
      pending.isWithoutTexts = true;
      pending.write = {
        ...write,
        entries: withoutTexts(write.entries),
        ...(write.kept && { kept: { ...write.kept, unsent: [] } }),
      };
      const replaced = new Map(withoutTexts(entries).map((entry) => [entry.seq, entry]));
      this.state = { ...this.state, recent: this.state.recent.map((entry) => replaced.get(entry.seq) ?? entry) };
      this.show();
      return;
    }
    this.stuck = reason;
    for (const one of this.unwritten.filter((other) => isPersonal(other.event))) this.undoRequest(one, reason);
    noteOnPage(
      'write',
      `> **The last step of this case cannot be written: ${reason}.** The write is retried at ` +
        `${iso(Date.now() + this.pauseMs)}; until then the case takes no requests.`,
    );
    await sleep(this.pauseMs, { summary: 'the write was refused' });
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
    this.stuck = undefined;
    noteOnPage('write', undefined);
  }

  /** Restores the case to the state before a person's request, and applies the later events again. */
  private undoRequest(pending: Pending, reason: string): void {
    const at = this.unwritten.indexOf(pending);
    if (at < 0) return;
    const later = this.unwritten.splice(at).slice(1);
    this.state = pending.before;
    this.unwrittenEntries = pending.carried;
    pending.outcome = { refused: reason };
    for (const one of later) this.applyAgain(one);
    // The timeline records the refusal, unless no write is possible.
    if (this.stuck === undefined && isPersonal(pending.event))
      this.apply({ kind: 'refused', request: pending.event.kind, why: reason });
    this.show();
  }

  private applyAgain(pending: Pending): void {
    const { event } = pending;
    if (!event) return;
    const why = isPersonal(event) ? refusalOf(this.state, event) : undefined;
    if (why !== undefined) pending.outcome = { refused: why };
    // Its letters are already being sent.
    else this.take({ ...next(this.state, event, Date.now()), letters: [] }, this.state, pending);
  }

  /** Returns whether no write, letter, scoring or handler is in progress, so that the run can end. */
  isQuiet(): boolean {
    return this.unwritten.length === 0 && this.background === 0 && allHandlersFinished();
  }

  isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (
      continueAsNewSuggested ||
      historyLength >= (this.state.policy.continueAsNewAfterEvents ?? Number.POSITIVE_INFINITY)
    );
  }

  /** Waits until there is a step to write, the run can end, or the next deadline passes. */
  async waitForWork(): Promise<void> {
    const awake = () => this.unwritten.length > 0 || ((this.closing !== undefined || this.isLong()) && this.isQuiet());
    const due = nextDeadline(this.state);
    if (due === undefined) return condition(awake);
    const happened = due > Date.now() && (await condition(awake, due - Date.now()));
    if (!happened) this.apply({ kind: 'timePassed' });
  }

  private handle<Request>(update: UpdateDefinition<UpdateOutcome, [Request]>, kind: CaseRequest['kind']): void {
    setHandler(update, (given) => this.request({ ...given, kind } as unknown as CaseRequest), {
      validator: (given) => refuse(refusalOfRequest(this.state, kind, given)),
    });
  }

  /** Handles a person's request. Proving the sender takes time, so the request is then validated again. */
  private async request(request: CaseRequest): Promise<UpdateOutcome> {
    let by: Person;
    // No `.catch` on the promise: its microtask would change the order of events and break the replay of histories.
    try {
      by = await this.senderOf(request);
    } catch (error) {
      refuse(refusalIn(error), 'refused');
      throw error;
    }
    const event = eventOf(request, by);
    if (this.isSuperseded) refuse(SUPERSEDED);
    refuse(refusalOf(this.state, event));
    if (this.stuck !== undefined) refuse(`The case cannot be written now: ${this.stuck}`, 'refused');
    const pending = this.apply(event);
    await condition(() => pending?.outcome !== 'pending');
    if (pending?.outcome === 'superseded') refuse(SUPERSEDED);
    if (pending && typeof pending.outcome === 'object')
      refuse(`It could not be stored and changed nothing: ${pending.outcome.refused}`, 'refused');
    const status = statusOf(this.state);
    const last = this.state.recent.at(-1)?.text ?? '';
    return { status, message: by.proof === 'none' ? `${last}. ${by.name} is a typed name: unproven` : last };
  }

  private senderOf(request: CaseRequest): Promise<Person> {
    const { workflowId, runId } = workflowInfo();
    return proveSender({
      transactionId: this.state.facts.transactionId,
      workflowId,
      runId,
      updateId: currentUpdateInfo()?.id ?? '',
      claim: claimOf(request),
      by: request.by,
      ...defined({ attestation: request.attestation }),
    });
  }

  /** Applies an event. @returns the step to write; undefined when the event changed nothing. */
  private apply(event: CaseEvent): Pending | undefined {
    return this.take(next(this.state, event, Date.now()), this.state, { event });
  }

  private take({ state, entries, letters }: Step, before: CaseState, step: Partial<Pending> = {}): Pending | undefined {
    const carried = this.unwrittenEntries;
    this.state = state;
    this.unwrittenEntries = [...carried, ...entries];
    this.unsent.push(...letters);
    let pending: Pending | undefined;
    if (state.revision > before.revision) {
      const all = this.unwrittenEntries;
      const unsent = [...this.unsent];
      const write =
        closingWrite(state, before.revision, all, unsent) ?? progressWrite(state, before.revision, all, unsent);
      pending = Object.assign(step, { write, before, carried, entries: all, outcome: 'pending' as const });
      this.unwritten.push(pending);
      this.unwrittenEntries = [];
    } else if (step.outcome === 'pending') step.outcome = 'written';
    for (const letter of letters) this.inBackground(() => this.send(letter));
    this.show();
    return pending;
  }

  private async send(letter: Letter): Promise<void> {
    try {
      await sendLetter(letter);
      this.isSent(letter);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      this.isSent(letter);
      this.apply({ kind: 'undelivered', letter, why: error.cause?.message ?? 'it took too long' });
    }
  }

  private isSent(letter: Letter): void {
    this.unsent = this.unsent.filter((one) => one !== letter);
  }

  private async score(): Promise<FullScore> {
    try {
      return await scoreCase(this.state.facts.transactionId);
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      const fault = error.cause?.message ?? 'the model did not answer';
      return { score: null, contributions: [], modelVersion: null, outcome: this.state.outcome, reasons: [], fault };
    }
  }

  private inBackground(work: () => Promise<unknown>): void {
    this.background += 1;
    void work().finally(() => (this.background -= 1));
  }

  /** Updates the page and, if they changed, the search attributes. */
  private show(): void {
    showDetails(casePage(this.state));
    const attributes = this.attributes();
    const shown = JSON.stringify(attributes);
    if (shown === this.shownAttributes) return;
    this.shownAttributes = shown;
    upsertSearchAttributes(searchAttributePairs(attributes));
  }

  private attributes(): Partial<Record<SearchAttributeName, string | number | null>> {
    return {
      LongwatchStatus: statusOf(this.state),
      ...(this.state.score !== null && { LongwatchScore: this.state.score }),
      ...defined({ LongwatchAssignee: this.state.assignee }),
      LongwatchDueAt: dueAt(this.state) ?? null,
    };
  }
}

function refuse(why: string | undefined, type = REFUSED_UPDATE): void {
  if (why !== undefined) throw ApplicationFailure.nonRetryable(why, type);
}
