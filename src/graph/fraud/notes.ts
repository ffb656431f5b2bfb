import type { Outcome } from '../../domain/fraud/decision';
import { investigationId } from '../../domain/fraud/workflows';
import { formatMoney } from '../../domain/money/format';
import type { UnwrittenDecision } from '../../operations/fraud/decisionMaker';
import type { Services } from '../capability';

const verdicts: Readonly<Record<Exclude<Outcome, 'approve'>, string>> = {
  alert: 'the customer is asked',
  review: 'an investigator must decide',
  block: 'held',
};

/** Shows a decision on the overview page. */
export function noteDecision(
  { input: { transaction }, record: { decision } }: UnwrittenDecision,
  note: Services['note'],
): void {
  const { outcome, transactionId, degradedBecause } = decision;
  if (degradedBecause)
    note({ area: 'fraud', tone: 'problem', text: `payment decided without the model: ${degradedBecause}`, count: 1 });
  if (outcome === 'approve') return note({ area: 'fraud', tone: 'routine', text: 'payment approved', count: 1 });
  const amount = formatMoney(transaction.amount, transaction.currency);
  note({
    area: 'fraud',
    tone: 'notable',
    text: `A payment of ${amount}: ${outcome}, ${verdicts[outcome]}`,
    workflowId: investigationId(transactionId),
  });
}
