import type { CustomerAnswer } from './investigation';
import type { Label } from './label';

/**
 * What people ask of a case, as one JSON object each. `by` is what somebody typed; `attestation` names the
 * record in which the API says who it really was.
 */
interface Signed {
  by: string;
  attestation?: string;
}

export interface DecideRequest extends Signed {
  decision: Label;
  note?: string;
}

export interface AssignRequest extends Signed {
  assignee: string;
}

export interface NoteRequest extends Signed {
  text: string;
}

export interface AnswerRequest extends Signed {
  answer: CustomerAnswer;
}
