import { platformLifecycles } from '../domain/platform/lifecycles';
import { PLATFORM_QUEUE } from '../domain/platform/workflows';
import { platformGrants } from '../stores/platform/grants';
import { platformTables } from '../stores/platform/tables';
import type { AnyCapability } from './capability';

/** The platform's own declaration, in the form of a capability. */
export const platform = {
  name: 'platform',
  title: 'Platform',
  tables: platformTables,
  grants: platformGrants,
  queues: { [PLATFORM_QUEUE]: { concurrentActivities: 200, endless: true, group: 'streams' } },
  lifecycles: platformLifecycles,
  workflowsPath: () => require.resolve('../workflows/platform'),
  workflowIds: { shard: ['stream'], stream: ['stream'] },
} as const satisfies Partial<AnyCapability>;
