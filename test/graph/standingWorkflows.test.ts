import type { CapabilityInstance, Services } from '../../src/graph/capability';
import { reconcilerWorkflow } from '../../src/graph/reconciler';
import { standingWorkflows } from '../../src/graph/standingWorkflows';

it('the reconciler starts last, so that a first start reports no workflow as lost', () => {
  const sweeper = { type: 'sweeper', workflowId: 'sweeper', taskQueue: 'q', args: [], staticSummary: 'Sweeps' };
  const instance: CapabilityInstance = { routes: [], activities: {}, standing: [sweeper] };
  const services = { config: { LONGWATCH_STREAMS_BY: 'workflow' } } as Services;
  const standing = standingWorkflows(services, [], [instance]);
  expect(standing).toContain(sweeper);
  expect(standing.at(-1)).toBe(reconcilerWorkflow);
});
