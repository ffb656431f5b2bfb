import { defined } from '../defined';
import { type CaseState, type CustomerAnswer, isProven, type Person } from './investigation';
import { refusalAfterDisagreement } from './fourEyes';
import type { CaseEvent, PersonalKind } from './investigationSteps';
import { type Label, labels } from './label';
import { CARD_RULE, holdsCardNumber } from './cardNumbers';
import { faultOfText, type TextUse } from '../edge/text';
import { iso } from '../ids';

/**
 * The signature of a request. `by` is a typed name; `attestation` is the id of the record in which the API stored
 * the authenticated caller.
 */
interface Signed {
  by: string;
  attestation?: string;
}

/** The argument of the update `decide`. */
export interface DecideRequest extends Signed {
  decision: Label;
  note?: string;
}

/** The argument of the update `assign`. */
export interface AssignRequest extends Signed {
  assignee: string;
}

/** The argument of the update `note`. */
export interface NoteRequest extends Signed {
  text: string;
}

/** The argument of the update `answer`. */
export interface AnswerRequest extends Signed {
  answer: CustomerAnswer;
}

/** Any request of a person, by kind. */
export type CaseRequest =
  | ({ kind: 'decide' } & DecideRequest)
  | ({ kind: 'assign' } & AssignRequest)
  | ({ kind: 'note' } & NoteRequest)
  | ({ kind: 'answer' } & AnswerRequest);

/** An event that comes from a person's request. */
export type PersonalEvent = Extract<CaseEvent, { kind: PersonalKind }>;

/** Returns whether an event comes from a person's request. */
export const isPersonal = (event: CaseEvent | undefined): event is PersonalEvent =>
  event !== undefined && ['answered', 'decided', 'assigned', 'noted'].includes(event.kind);

/** Returns the claim of a request. An attestation must have the same claim to prove who sent the request. */
export function claimOf(request: CaseRequest): string {
  switch (request.kind) {
    case 'decide':
      return `decide:${request.decision}`;
    case 'answer':
      return `answer:${request.answer}`;
    case 'assign':
      return `assign:${request.assignee}`;
    case 'note':
      return 'note';
  }
}

/** Returns the event of a request. */
export function eventOf(request: CaseRequest, by: Person): PersonalEvent {
  switch (request.kind) {
    case 'decide': {
      const { decision, note } = request;
      return { kind: 'decided', decision, by, ...defined({ note }) };
    }
    case 'assign':
      return { kind: 'assigned', assignee: request.assignee, by };
    case 'note':
      return { kind: 'noted', text: request.text, by };
    case 'answer':
      return { kind: 'answered', answer: request.answer, by };
  }
}

/** Maximum length of a name in a request, in characters. */
export const MAX_NAME = 100;
/** Maximum length of a note in a request, in characters. */
export const MAX_TEXT = 2_000;

const SIGNED_FIELDS: readonly string[] = ['by', 'attestation'] satisfies (keyof Signed)[];
const FIELDS: Record<CaseRequest['kind'], readonly string[]> = {
  decide: ['decision', 'note'],
  assign: ['assignee'],
  note: ['text'],
  answer: ['answer'],
};

const EXAMPLES: Record<CaseRequest['kind'], string> = {
  decide: '{"decision":"fraud","by":"ana"}',
  assign: '{"assignee":"ana","by":"ben"}',
  note: '{"text":"called the customer","by":"ana"}',
  answer: '{"answer":"no","by":"ana"}',
};

/**
 * The validator of an update, which runs before the workflow reads the attestation. Synchronous and pure.
 * @returns a sentence that says why the case refuses the request, or undefined.
 */
export function refusalOfRequest(state: CaseState, kind: CaseRequest['kind'], given: unknown): string | undefined {
  const fault = faultOf(kind, given);
  if (fault !== undefined) return `"${kind}" takes one JSON object such as ${EXAMPLES[kind]}: ${fault}`;
  const request = { ...(given as object), kind } as CaseRequest;
  const claimed: Person = { name: request.by, proof: request.attestation === undefined ? 'none' : 'api' };
  const undecidedRole = request.attestation !== undefined;
  return refusal(state, eventOf(request, claimed), undecidedRole);
}

/** Checks a request again with its attested person: the case may have changed while the attestation was read. */
export function refusalOf(state: CaseState, event: PersonalEvent): string | undefined {
  return refusal(state, event, false);
}

function refusal(state: CaseState, event: PersonalEvent, roleIsOpen: boolean): string | undefined {
  const { closing } = state;
  if (closing) return `The case was closed as ${closing.label} at ${iso(closing.at)}; it takes no more requests`;
  switch (event.kind) {
    case 'decided':
      return refusalOfDecision(state, event.decision, event.by, roleIsOpen);
    case 'assigned':
      return state.assignee === event.assignee ? `The case is already assigned to ${event.assignee}` : undefined;
    case 'noted':
      return state.recent.some(
        ({ kind, text, by }) => kind === 'noted' && text === event.text && by?.name === event.by.name,
      )
        ? `${event.by.name} has already written this note`
        : undefined;
    case 'answered':
      return refusalOfAnswer(state);
  }
}

function refusalOfDecision(state: CaseState, decision: Label, by: Person, roleIsOpen: boolean): string | undefined {
  const repeated = state.proposals.find(
    (proposal) =>
      proposal.by.name === by.name && proposal.decision === decision && (isProven(proposal.by) || !isProven(by)),
  );
  if (repeated)
    return isProven(repeated.by)
      ? `${by.name} has already proposed ${decision}, at ${iso(repeated.at)}; another person must decide`
      : `The decision ${decision} under the typed name ${by.name} was recorded at ${iso(repeated.at)} and does not ` +
          'count, because a typed name proves nothing; decide through the API';
  return roleIsOpen ? undefined : refusalAfterDisagreement(state, by);
}

function refusalOfAnswer({ customer, deadlines }: CaseState): string | undefined {
  if (!customer.asked) return 'The customer has not been asked';
  if (customer.answer !== undefined) return `The customer has already answered ${customer.answer}`;
  return deadlines.answer === undefined ? 'The time to answer is over' : undefined;
}

function faultOf(kind: CaseRequest['kind'], given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return 'this is not an object';
  const fields = given as Record<string, unknown>;
  // The history stores the whole object, so unknown fields could fill it.
  const unknown = Object.keys(fields).find((name) => !SIGNED_FIELDS.includes(name) && !FIELDS[kind].includes(name));
  if (unknown !== undefined)
    return (
      `"${unknown.slice(0, MAX_NAME).toWellFormed()}" is not known; known are ` +
      `${[...FIELDS[kind], ...SIGNED_FIELDS].map((name) => `"${name}"`).join(', ')}`
    );
  return (
    faultOfField(fields, 'by', MAX_NAME, 'line') ??
    (fields['attestation'] === undefined ? undefined : faultOfField(fields, 'attestation', MAX_NAME, 'line')) ??
    faultOfContent(kind, fields)
  );
}

function faultOfContent(kind: CaseRequest['kind'], fields: Record<string, unknown>): string | undefined {
  switch (kind) {
    case 'decide':
      return (
        faultOfChoice(fields, 'decision', labels) ??
        (fields['note'] === undefined ? undefined : faultOfField(fields, 'note', MAX_TEXT, 'lines'))
      );
    case 'assign':
      return faultOfField(fields, 'assignee', MAX_NAME, 'line');
    case 'note':
      return faultOfField(fields, 'text', MAX_TEXT, 'lines');
    case 'answer':
      return faultOfChoice(fields, 'answer', ['yes', 'no']);
  }
}

/**
 * Refuses text that DynamoDB cannot store. After the update is accepted, the history records it and its write would
 * fail on every attempt; a rejected update leaves no event, so the refused text is not in the history either.
 */
function faultOfField(fields: Record<string, unknown>, name: string, max: number, use: TextUse): string | undefined {
  const value = fields[name];
  if (typeof value !== 'string' || value.trim() === '' || value.length > max)
    return `"${name}" must be a text of 1 to ${max} characters`;
  const fault = faultOfText(value, use);
  if (fault !== undefined) return `"${name}" ${fault}`;
  return holdsCardNumber(value) ? `"${name}" ${CARD_RULE}` : undefined;
}

function faultOfChoice(fields: Record<string, unknown>, name: string, choices: readonly string[]): string | undefined {
  return choices.some((choice) => choice === fields[name])
    ? undefined
    : `"${name}" must be ${choices.map((choice) => `"${choice}"`).join(' or ')}`;
}
