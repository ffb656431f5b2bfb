import type { FullScore, InvestigationPolicy, Person } from '../../domain/fraud/investigation';
import type { Letter } from '../../domain/fraud/investigationLetters';
import type { Notification } from '../../domain/platform/notification';
import type { RecordedCase } from '../../operations/fraud/caseRecords';
import type { DriftFindings, InvestigationResult } from '../../domain/fraud/workflows';
import type { CaseWrite, ClosingWrite } from '../../domain/fraud/investigationRecord';

/** What is to be proven about an update: who sent it. */
export interface SenderClaim {
  transactionId: string;
  workflowId: string;
  runId: string;
  updateId: string;
  /** What was asked for, see `claimOf`. */
  claim: string;
  /** The name that came with it. */
  by: string;
  attestation?: string;
}

/** What the fraud workflows may ask for. Every one may run twice. */
export interface FraudActivities {
  /** Scores with exact contributions and applies the rules in force. */
  scoreCase(transactionId: string): Promise<FullScore>;
  recordCase(write: CaseWrite): Promise<void>;
  closeCase(write: ClosingWrite): Promise<void>;
  /**
   * Reads a case so that its workflow can go on from its record: the state with letters that may not have been sent, or
   * how it was closed.
   */
  readCase(transactionId: string, policy: InvestigationPolicy): Promise<RecordedCase | { closed: InvestigationResult }>;
  sendLetter(letter: Letter): Promise<void>;
  /** Compares the decisions of the last days with where their models were trained. */
  findDrift(days: number): Promise<DriftFindings>;
  sendNotice(notice: Notification): Promise<void>;
  /** Who sent an update: attested by the API, known to the server, or a name that was only typed. */
  proveSender(claim: SenderClaim): Promise<Person>;
}
