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
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { FraudActivities } from '../../activities/fraud/types';
import { type CaseState, dueAt, type FullScore, nextDeadline, type Person, statusOf, type TimelineEntry } from '../../domain/fraud/investigation';
import type { Letter } from '../../domain/fraud/investigationLetters';
import { casePage } from '../../domain/fraud/investigationPage';
import { closingWrite, type CaseWrite, progressWrite } from '../../domain/fraud/investigationRecord';
import { type CaseRequest, claimOf, eventOf, refusalOf, refusalOfRequest } from '../../domain/fraud/investigationRequests';
import { type CaseEvent, next, openCase, resumeCase, type Step } from '../../domain/fraud/investigationSteps';
import { iso } from '../../domain/ids';
import { onCancellationRequested, showDetails } from '../cancellation';
import { searchAttributePairs, type SearchAttributeName } from '../searchAttributes';
import {
  answerUpdate,
  assignUpdate,
  decideUpdate,
  type InvestigationInput,
  type InvestigationResult,
  noteUpdate,
  REFUSED_UPDATE,
  type UpdateOutcome,
} from './declarations';

// Database work: quick, and retried for as long as it takes, because a case must not be lost to an outage.
const { recordCase, closeCase, proveSender } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 2, maximumInterval: '30 s' },
});
// The model: the case goes on without it after some attempts; people can still decide.
const { scoreCase } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '15 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 3, maximumAttempts: 4 },
});
// Channels retry within an attempt already; what is away for an hour is reported as undelivered.
const { sendLetter } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** A case from its opening to its label. What happens is decided by the domain; this waits, writes and tells. */
export async function investigation(input: InvestigationInput): Promise<InvestigationResult> {
  const run = new CaseRun(input);
  run.takeRequests();
  run.open();
  for (;;) {
    if (await run.writeNext()) continue;
    if (run.isQuiet()) {
      if (run.closing) return { label: run.closing.label, closedAt: iso(run.closing.at) };
      if (run.isLong()) await continueAsNew<typeof investigation>({ ...input, carried: run.state });
    }
    await run.waitForWork();
  }
}

class CaseRun {
  state: CaseState;
  /** Writes in order; each moves the record by one revision. */
  private readonly unwritten: CaseWrite[] = [];
  /** Entries of steps that need no write of their own; they go with the next one. */
  private unwrittenEntries: TimelineEntry[] = [];
  private written: number;
  /** Letters and scorings under way. */
  private background = 0;
  private unsent: Letter[] = [];
  /** What the start, or the run before, has set already: an upsert is a billable action. */
  private shownAttributes: string;
  private readonly opening: Step | undefined;

  constructor({ facts, policy, carried, lost }: InvestigationInput) {
    if (carried && lost) this.opening = resumeCase(carried, lost, Date.now());
    else if (!carried) this.opening = openCase(facts, policy);
    this.state = carried ?? openCase(facts, policy).state;
    this.written = carried?.revision ?? 0;
    this.shownAttributes = JSON.stringify(this.attributes());
    onCancellationRequested(() => this.apply({ kind: 'cancellationRequested' }));
  }

  get closing(): CaseState['closing'] {
    return this.state.closing;
  }

  /** The first entries of a new case, and the full scoring unless a run before has done it. */
  open(): void {
    if (this.opening) this.take(this.opening, this.written);
    else this.show();
    if (this.state.phase === 'scoring') this.inBackground(async () => this.apply({ kind: 'scored', result: await this.score() }));
  }

  takeRequests(): void {
    this.handle(decideUpdate, 'decide');
    this.handle(assignUpdate, 'assign');
    this.handle(noteUpdate, 'note');
    this.handle(answerUpdate, 'answer');
  }

  /** Writes the oldest step that is not written yet. */
  async writeNext(): Promise<boolean> {
    const [write] = this.unwritten;
    if (!write) return false;
    await ('label' in write ? closeCase(write as Parameters<typeof closeCase>[0]) : recordCase(write));
    this.unwritten.shift();
    this.written = write.revision;
    return true;
  }

  /** Nothing is under way that an end would cut off. */
  isQuiet(): boolean {
    return this.unwritten.length === 0 && this.background === 0 && allHandlersFinished();
  }

  isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.state.policy.continueAsNewAfterEvents ?? Number.POSITIVE_INFINITY);
  }

  /** Sleeps until there is something to write, to end, or the next deadline. */
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

  /** A request of a person: who it really was is found out first, and by then the case may have moved on. */
  private async request(request: CaseRequest): Promise<UpdateOutcome> {
    const by = await this.senderOf(request);
    const event = eventOf(request, by);
    refuse(refusalOf(this.state, event));
    const revision = this.apply(event);
    await condition(() => this.written >= revision);
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
      ...(request.attestation !== undefined && { attestation: request.attestation }),
    });
  }

  /** @returns the revision that holds what the event changed. */
  private apply(event: CaseEvent): number {
    const before = this.state.revision;
    this.take(next(this.state, event, Date.now()), before);
    return this.state.revision;
  }

  private take({ state, entries, letters }: Step, before: number): void {
    this.state = state;
    this.unwrittenEntries.push(...entries);
    this.unsent.push(...letters);
    if (state.revision > before) {
      const all = this.unwrittenEntries;
      const unsent = [...this.unsent];
      this.unwritten.push(closingWrite(state, before, all, unsent) ?? progressWrite(state, before, all, unsent));
      this.unwrittenEntries = [];
    }
    for (const letter of letters) this.inBackground(() => this.send(letter));
    this.show();
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

  /** What people see: the page, and the attributes that the list is filtered by. */
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
      ...(this.state.assignee !== undefined && { LongwatchAssignee: this.state.assignee }),
      LongwatchDueAt: dueAt(this.state) ?? null,
    };
  }
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw ApplicationFailure.nonRetryable(why, REFUSED_UPDATE);
}
