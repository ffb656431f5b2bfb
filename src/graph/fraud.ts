import {
  FRAUD_QUEUE,
  TRANSACTION_HISTORY_STREAM,
  TRANSACTIONS_STREAM,
  INVESTIGATION_TYPE,
} from '../domain/fraud/workflows';
import { declareCapability } from './capability';
import type * as built from './fraud/build';
import { fraudSettings } from '../config/fraud';
import { fraudLifecycles } from '../domain/fraud/lifecycles';
import { FraudMetrics } from '../metrics/fraud';
import { fraudGrants } from '../stores/fraud/grants';
import { fraudTables } from '../stores/fraud/tables';

/** The capability `fraud`: decisions on payments, and investigations. */
export const fraud = declareCapability({
  name: 'fraud',
  title: 'Fraud',
  tables: fraudTables,
  grants: fraudGrants,
  queues: { [FRAUD_QUEUE]: { concurrentActivities: 50, group: 'requests' } },
  lifecycles: fraudLifecycles,
  workflowsPath: () => require.resolve('../workflows/fraud'),
  workflowIds: { investigation: ['transactionId'] },
  requestIds: {
    names: ['transactionId', 'userId', 'merchantId'],
    collections: { transactions: 'transactionId', investigations: 'transactionId' },
  },
  settings: fraudSettings,
  parts: { sagemaker: 'required', kinesis: 'embedded' },
  kinesisStreams: [
    { setting: 'LONGWATCH_TRANSACTIONS_STREAM', fallback: 'longwatch-transactions', fallbackWith: 'endpoint' },
  ],
  functions: [
    {
      name: 'transactions',
      source: { kinesis: 'LONGWATCH_TRANSACTIONS_STREAM' },
      stream: TRANSACTIONS_STREAM,
      uses: ['sagemaker'],
    },
    { name: 'merchants', source: { table: 'TransactionHistory' }, stream: TRANSACTION_HISTORY_STREAM },
  ],
  metrics: FraudMetrics,
  page: {
    lead: { label: 'payments decided', of: { labelsFrom: 'payments: ' } },
    news: { [INVESTIGATION_TYPE]: 'An investigation' },
    sizes: { Decisions: 'decisions kept' },
    counters: [{ metric: 'longwatch_fraud_decisions_total', label: ({ outcome }) => `payments: ${outcome}` }],
  },
  build: (services, metrics) => (require('./fraud/build') as typeof built).buildFraud(services, metrics),
});
