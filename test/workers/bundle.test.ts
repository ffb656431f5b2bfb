import type { BundleError } from '../../src/workers/bundle';
import { startWorkers, type Workers, type WorkersSettings } from '../../src/workers';
import { everything } from '../../src/graph/capabilities';

const started: Workers[] = [];
afterAll(() => Promise.all(started.map((workers) => workers.shutdown())));

/** Nothing listens at the address: workers that had a bundle would go on trying to connect. */
const broken = (settings: Partial<WorkersSettings>): Promise<BundleError> =>
  new Promise((resolve) => {
    started.push(
      startWorkers({
        connection: { address: '127.0.0.1:1' },
        namespace: 'default',
        activities: {},
        queues: everything.queues,
        workflowsPaths: everything.workflowsPaths,
        workflowIds: everything.workflowIds,
        logLevel: 'error',
        onFault: () => undefined,
        onBroken: resolve,
        ...settings,
      }),
    );
  });

it('names the setting when the configured bundle does not exist, instead of bundling other code', async () => {
  const error = await broken({ bundlePath: '/nowhere/workflow-bundle.js' });
  expect(error.message).toBe(
    'LONGWATCH_WORKFLOW_BUNDLE: there is no file /nowhere/workflow-bundle.js; build it (npm run build), or leave ' +
      'the setting out',
  );
});
