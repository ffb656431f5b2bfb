import type { Client } from '@temporalio/client';
import { LongwatchError } from '../../domain/errors';
import { decide } from '../../domain/fraud/decide';
import { featureNames, featureVector, type Features } from '../../domain/fraud/features';
import type { Contribution, FullScore, InvestigationPolicy, Person } from '../../domain/fraud/investigation';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import { iso } from '../../domain/ids';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { ScoringFailure } from '../../gateways/fraud/scoringFailure';
import { driftNotice, driftPage } from '../../domain/fraud/driftNotice';
import type { DriftWatch } from '../../operations/fraud/driftWatch';
import type { DriftFindings } from '../../domain/fraud/workflows';
import type { AnswerLinks } from '../../gateways/fraud/answerLinks';
import { isClosed, recordedCase } from '../../operations/fraud/caseRecords';
import type { Notifications } from '../../operations/platform/notifications';
import type { AttestationStore } from '../../stores/fraud/attestations';
import type { DecisionStore } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import { asFailure } from '../failures';
import type { FraudActivities, SenderClaim } from './types';
import { type Clock, systemClock } from '../../timing/clock';

/** The stores and gateways that the activities of fraud use. */
export interface FraudActivityParts {
  decisions: DecisionStore;
  investigations: InvestigationStore;
  attestations: AttestationStore;
  endpoint: Pick<ScoringEndpoint, 'score'>;
  rules: { current(): CompiledRuleSet };
  notifications: Notifications;
  driftWatch: Pick<DriftWatch, 'report'>;
  links: AnswerLinks;
  client: Client;
  clock?: Clock;
}

/** Deadline of a full scoring. No request waits for it; it is shorter than the timeout of the activity. */
const SCORING_DEADLINE_MS = 5_000;
/** Maximum number of features on a case's page. */
const NAMED_CONTRIBUTIONS = 12;

/** Returns the activities of fraud. */
export function fraudActivities(parts: FraudActivityParts): FraudActivities {
  return {
    scoreCase: (transactionId) => asFailure(() => scoreCase(parts, transactionId)),
    recordCase: (write) => asFailure(() => parts.investigations.record(write)),
    closeCase: (write) => asFailure(() => parts.investigations.close(write)),
    readCase: (transactionId, policy) => asFailure(() => readCase(parts, transactionId, policy)),
    sendLetter: ({ transactionId, answerUntil, id, recipient, subject, text, at }) =>
      asFailure(() =>
        // The link is created here, so that its token is not in the workflow's history.
        parts.notifications.send({
          id,
          recipient,
          subject,
          text,
          at,
          ...(answerUntil !== undefined && { link: parts.links.link(transactionId, answerUntil) }),
        }),
      ),
    findDrift: (days) => asFailure(() => findDrift(parts, days)),
    sendNotice: (notice) => asFailure(() => parts.notifications.send(notice)),
    proveSender: (claim) => asFailure(() => proveSender(parts, claim)),
  };
}

async function readCase(
  parts: FraudActivityParts,
  transactionId: string,
  policy: InvestigationPolicy,
): ReturnType<FraudActivities['readCase']> {
  const record = await parts.investigations.find(transactionId);
  if (!record) throw new LongwatchError('notFound', `There is no case of transaction ${transactionId}`);
  const recorded = await recordedCase(parts, record, policy);
  if (recorded) return recorded;
  const { status, closedAt = 0 } = record;
  if (!isClosed(record)) throw new LongwatchError('notFound', `There is no transaction ${transactionId}`);
  return { closed: { label: status === 'closed-fraud' ? 'fraud' : 'genuine', closedAt: iso(closedAt) } };
}

async function findDrift(
  { driftWatch, clock = systemClock }: FraudActivityParts,
  days: number,
): Promise<DriftFindings> {
  const models = await driftWatch.report(days);
  const notice = driftNotice(models, clock.now());
  return { models, page: driftPage(models), ...(notice && { notice }) };
}

async function scoreCase(parts: FraudActivityParts, transactionId: string): Promise<FullScore> {
  const found = await parts.decisions.find(transactionId);
  if (!found) throw new LongwatchError('notFound', `There is no transaction ${transactionId}`);
  const { transaction, features, decision } = found;
  let answer;
  try {
    answer = await parts.endpoint.score([featureVector(features)], {
      deadlineMs: SCORING_DEADLINE_MS,
      explain: 'exact',
    });
  } catch (error) {
    if (error instanceof ScoringFailure) throw new LongwatchError('unavailable', error.message, { cause: error });
    throw error;
  }
  const [scored] = answer.scores;
  if (!scored) throw new LongwatchError('badAnswer', 'The model answered without a score');
  const contributions = scored.contributions ?? [];
  const verdict = decide({
    transaction,
    features,
    score: scored.score,
    contributions,
    now: Date.parse(decision.decidedAt),
    rules: parts.rules.current(),
  });
  return {
    score: scored.score,
    contributions: largest(features, contributions),
    modelVersion: answer.modelVersion,
    outcome: verdict.outcome,
    reasons: verdict.reasons.slice(0, NAMED_CONTRIBUTIONS),
  };
}

function largest(features: Features, contributions: readonly number[]): Contribution[] {
  return featureNames
    .map((feature, i) => ({
      feature,
      value: Number.isNaN(features[feature]) ? null : features[feature],
      contribution: contributions[i] ?? 0,
    }))
    .filter(({ contribution }) => contribution !== 0)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
    .slice(0, NAMED_CONTRIBUTIONS);
}

async function proveSender({ attestations, client }: FraudActivityParts, sent: SenderClaim): Promise<Person> {
  const { transactionId, attestation, claim, updateId, by } = sent;
  if (attestation !== undefined) {
    const attested = await attestations.consume(transactionId, attestation, claim, updateId);
    return attested ?? { name: by, proof: 'none' };
  }
  const name = await principalOf(client, sent);
  return name === undefined ? { name: by, proof: 'none' } : { name, proof: 'server' };
}

/**
 * Returns the sender of an update as the Temporal server knows it: the principal of the caller's JWT or certificate.
 * Undefined for servers without authentication, such as the development server.
 */
async function principalOf(client: Client, { workflowId, runId, updateId }: SenderClaim): Promise<string | undefined> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const accepted = events?.find(
    ({ workflowExecutionUpdateAcceptedEventAttributes: attributes }) =>
      attributes?.acceptedRequest?.meta?.updateId === updateId,
  );
  const { name } = accepted?.principal ?? {};
  return name ? name : undefined;
}
