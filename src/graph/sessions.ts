import { SESSIONS_QUEUE } from '../domain/sessions/workflows';
import { declareCapability } from './capability';
import type * as built from './sessions/build';
import { sessionsSettings } from '../config/sessions';
import { sessionLifecycles } from '../domain/sessions/lifecycles';
import { SessionMetrics } from '../metrics/sessions';
import { sessionGrants } from '../stores/sessions/grants';
import { sessionTables } from '../stores/sessions/tables';

/** The capability `sessions`: web sessions. */
export const sessions = declareCapability({
  name: 'sessions',
  title: 'Sessions',
  tables: sessionTables,
  grants: sessionGrants,
  queues: { [SESSIONS_QUEUE]: { concurrentActivities: 50, endless: true, group: 'requests' } },
  lifecycles: sessionLifecycles,
  workflowsPath: () => require.resolve('../workflows/sessions'),
  requestIds: { names: ['userId'] },
  settings: sessionsSettings,
  metrics: SessionMetrics,
  page: {
    lead: { label: 'opened', of: { label: 'opened' } },
    sizes: { Sessions: 'items of sessions kept' },
    counters: [
      { metric: 'longwatch_sessions_created_total', label: () => 'opened' },
      { metric: 'longwatch_sessions_ended_total', label: () => 'ended' },
    ],
  },
  build: (services, metrics) => (require('./sessions/build') as typeof built).buildSessions(services, metrics),
});
