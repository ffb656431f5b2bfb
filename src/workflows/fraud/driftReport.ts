import { proxyActivities } from '@temporalio/workflow';
import type { FraudActivities } from '../../activities/fraud/types';
import { showDetails } from '../cancellation';
import type { DriftFindings, DriftReportInput } from '../../domain/fraud/workflows';

const { findDrift } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { sendNotice } = proxyActivities<FraudActivities>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '2 s', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** Compares recent decisions with the models' training data, and notifies the supervisors of a shift. */
export async function driftReport({ days }: DriftReportInput): Promise<DriftFindings> {
  const found = await findDrift(days);
  showDetails(found.page);
  if (found.notice) await sendNotice(found.notice);
  return found;
}
