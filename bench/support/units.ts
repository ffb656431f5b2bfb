import type { RunningApi } from '../../test/support/api';
import { BENCH_KEY, counterOf } from './benchApi';
import { post } from './http';

async function consumed(api: RunningApi): Promise<{ read: number; write: number }> {
  const of = (kind: string) => counterOf(api, 'longwatch_dynamodb_units_total', `kind="${kind}"`);
  return { read: await of('read'), write: await of('write') };
}

export interface Units {
  /** Read units per decision. */
  read: number;
  write: number;
  /** Ids of the payments that were approved. */
  approved: string[];
}

/**
 * Returns the capacity units per approved decision, as DynamoDB counts them. The API must be a process without workers,
 * because the stream readers consume units, too.
 */
export async function unitsOfApprovals(api: RunningApi, approvals: number, nextPayment: () => string): Promise<Units> {
  const units = { read: 0, write: 0 };
  const approved: string[] = [];
  while (approved.length < approvals) {
    const before = await consumed(api);
    const { status, text } = await post(new URL('/v1/transactions', api.url), BENCH_KEY, nextPayment());
    if (status !== 200) throw new Error(`${status}: ${text}`);
    const after = await consumed(api);
    const { transactionId, outcome } = JSON.parse(text) as { transactionId: string; outcome: string };
    if (outcome !== 'approve') continue;
    approved.push(transactionId);
    units.read += after.read - before.read;
    units.write += after.write - before.write;
  }
  if (units.write === 0)
    throw new Error(
      '/metrics shows no write units of decisions: longwatch_dynamodb_units_total has another name or other labels',
    );
  return { read: units.read / approvals, write: units.write / approvals, approved };
}
