import type { Client } from '@temporalio/client';
import { investigationId } from '../src/domain/fraud/workflows';
import { billableActions } from '../test/support/histories';
import { merchantDecides } from '../test/support/merchantRules';
import { payment } from '../test/support/payment';
import { eventually, type RunningStack } from '../test/support/stack';
import { retried } from './support/http';

const cases = [
  { merchantId: 'alert', decision: 'genuine' },
  { merchantId: 'review', decision: 'genuine' },
  { merchantId: 'block', decision: 'genuine' },
  { merchantId: 'block', decision: 'fraud' },
] as const;

/**
 * Opens one case of each kind, which an investigator decides as soon as possible, and prints the billable actions of
 * its history.
 */
export async function actionsOfInvestigations(
  stack: RunningStack,
  client: Client,
): Promise<{ what: string; actions: number }[]> {
  await merchantDecides(stack.url, ['authorization', `Bearer ${stack.key}`]);
  const counted: { what: string; actions: number }[] = [];
  for (const { merchantId, decision } of cases) {
    const { transactionId, ...rest } = payment({ merchantId });
    await retried(() => stack.post('/v1/transactions', { transactionId, ...rest }));
    await eventually(
      () => stack.get(`/v1/investigations/${transactionId}`),
      ({ status, json }) => status === 200 && /^(asking|waiting)/.test(json.status),
    );
    const { status, text } = await retried(() =>
      stack.post(`/v1/investigations/${transactionId}/decide`, { decision }),
    );
    if (status !== 200) throw new Error(`${status}: ${text}`);
    const handle = client.workflow.getHandle(investigationId(transactionId));
    await handle.result();
    counted.push({ what: `${merchantId}, decided ${decision}`, actions: billableActions(await handle.fetchHistory()) });
  }
  return counted;
}
