import { endApi, startApi } from '../../test/support/api';
import type { FloorSettings } from './floor';
import { post } from './http';

const KEY = 'bench-key-0123456789';
const UNITS = /^longwatch_dynamodb_units_total\{[^}]*kind="(\w+)"[^}]*\} ([\d.e+-]+)$/gm;

async function consumed(url: string): Promise<{ read: number; write: number }> {
  const text = await (await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${KEY}` } })).text();
  const units = { read: 0, write: 0 };
  for (const [, kind, value] of text.matchAll(UNITS)) units[kind as 'read' | 'write'] += Number(value);
  return units;
}

export interface Units {
  /** Read units per decision. */
  read: number;
  write: number;
  /** Ids of the payments that were approved. */
  approved: string[];
}

/**
 * Returns the capacity units per approved decision, as DynamoDB counts them. Uses its own API process, because the
 * stream readers in the stack's process consume units, too.
 */
export async function unitsOfApprovals(
  { dynamodb, sagemaker, temporal }: FloorSettings['addresses'],
  approvals: number,
  nextPayment: () => string,
): Promise<Units> {
  const api = await startApi({
    DYNAMODB_ENDPOINT: dynamodb,
    SAGEMAKER_ENDPOINT: sagemaker,
    TEMPORAL_ADDRESS: temporal,
    LONGWATCH_API_KEYS: `bench:admin:${KEY}`,
    LONGWATCH_SIGNING_SECRET: 'only for a bench of some minutes, on this machine',
    LONGWATCH_LOG_LEVEL: 'error',
    LONGWATCH_MODEL_DEADLINE_MS: '10000',
    LONGWATCH_DECISION_DEADLINE_MS: '20000',
  });
  try {
    const units = { read: 0, write: 0 };
    const approved: string[] = [];
    while (approved.length < approvals) {
      const before = await consumed(api.url);
      const { status, text } = await post(new URL('/v1/transactions', api.url), KEY, nextPayment());
      if (status !== 200) throw new Error(`${status}: ${text}`);
      const after = await consumed(api.url);
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
  } finally {
    await endApi(api, 'SIGINT');
  }
}
