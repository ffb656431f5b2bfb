import type { FullScore, InvestigationPolicy, Person } from '../../domain/fraud/investigation';
import type { Letter } from '../../domain/fraud/investigationLetters';
import type { Notification } from '../../domain/platform/notification';
import type { RecordedCase } from '../../operations/fraud/caseRecords';
import type { DriftFindings, InvestigationResult } from '../../domain/fraud/workflows';
import type { CaseWrite, ClosingWrite } from '../../domain/fraud/investigationRecord';

/** The request whose sender must be proven. */
export interface SenderClaim {
  transactionId: string;
  workflowId: string;
  runId: string;
  updateId: string;
  /** The content of the request, see `claimOf`. */
  claim: string;
  /** The typed name of the sender. */
  by: string;
  attestation?: string;
}

/** The activities of the fraud workflows. Each attempt may be repeated. */
export interface FraudActivities {
  /** Scores a transaction with exact contributions, and applies the current rule set. */
  scoreCase(transactionId: string): Promise<FullScore>;
  /** Writes a step of a case. @throws `superseded` when the row is ahead of the workflow. */
  recordCase(write: CaseWrite): Promise<void>;
  /** Writes the end of a case. @throws `superseded` when the row is ahead of the workflow. */
  closeCase(write: ClosingWrite): Promise<void>;
  /**
   * Reads a case so that its workflow can continue from the row. @returns the state and the letters that may not have
   * been sent, or the result of a closed case.
   */
  readCase(transactionId: string, policy: InvestigationPolicy): Promise<RecordedCase | { closed: InvestigationResult }>;
  /** Sends a letter. */
  sendLetter(letter: Letter): Promise<void>;
  /** Compares the decisions of the last days with the training data of their models. */
  findDrift(days: number): Promise<DriftFindings>;
  /** Sends a notification. */
  sendNotice(notice: Notification): Promise<void>;
  /** Returns the sender of an update: attested by the API, authenticated by the Temporal server, or a typed name. */
  proveSender(claim: SenderClaim): Promise<Person>;
}
