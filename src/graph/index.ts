import type { AnyCapability, CapabilityInstance, Services } from './capability';
import { combine } from './combined';
import { selectCapabilities } from './config';
import { Graph } from './graph';
import { buildPlatform } from './platform';
import { buildProcess } from './process';
import type { GraphSettings } from './settings';

export type { Graph } from './graph';

/** Builds every object of a process, in one place. Connects to nothing. */
export function buildGraph(settings: GraphSettings): Graph {
  const { capabilities = selectCapabilities(settings.config.LONGWATCH_CAPABILITIES) } = settings;
  const combined = combine(capabilities);
  const common = buildProcess(settings, combined.tables);
  const instances = capabilities.map((capability) => instanceOf(capability, common.services));
  // Capabilities record entries from their first request on, so the outbox is there before the kinds that they add.
  common.outbox.addKinds(instances.flatMap(({ outboxKinds = [] }) => outboxKinds));
  const platform = buildPlatform(common, { ...settings, combined, instances });
  return new Graph({ combined, common, platform, instances });
}

/** Builds a capability. Its routes know which ids of their requests log lines show. */
function instanceOf(capability: AnyCapability, services: Services): CapabilityInstance {
  const { requestIds, metrics: Metrics } = capability;
  const instance = capability.build(services as never, new Metrics(services.metrics.registry));
  return requestIds ? { ...instance, routes: instance.routes.map((one) => ({ ...one, requestIds })) } : instance;
}
