import type { Readiness } from '../api/platform/health';
import type { buildReconciler } from './reconciler';
import type { Services } from './capability';

/** Reads the readiness. Checks DynamoDB with its cheapest read: one item. */
export async function readinessOf(
  { temporal }: Services,
  { lastLook }: Pick<ReturnType<typeof buildReconciler>, 'lastLook'>,
  worker: Readiness['worker'],
): Promise<Readiness> {
  const [dynamodb, temporalState] = await Promise.all([
    lastLook('quick').then(
      (): Readiness['dynamodb'] => 'ok',
      (): Readiness['dynamodb'] => 'unavailable',
    ),
    temporal.state(),
  ]);
  return { dynamodb, temporal: temporalState, worker };
}
