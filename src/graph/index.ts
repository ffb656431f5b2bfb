import type { AnyCapability, CapabilityInstance, Services } from './capability';
import { combine } from './combinedCapabilities';
import { selectCapabilities } from './selectCapabilities';
import { Graph } from './graph';
import { buildPlatform } from './platform';
import { buildProcess } from './process';
import type { GraphSettings } from './settings';

export type { Graph } from './graph';

/** Builds all objects of a process. Connects to nothing. */
export function buildGraph(settings: GraphSettings): Graph {
  const { capabilities = selectCapabilities(settings.config.LONGWATCH_CAPABILITIES) } = settings;
  const combined = combine(capabilities);
  const common = buildProcess(settings, combined.tables);
  const instances = capabilities.map((capability) => instanceOf(capability, common.services));
  // Add the kinds last: building a capability needs the outbox, and the kinds come from the built capabilities.
  common.outbox.addKinds(instances.flatMap(({ outboxKinds = [] }) => outboxKinds));
  const platform = buildPlatform(common, { ...settings, combined, instances });
  return new Graph({ combined, common, platform, instances });
}

/** Builds a capability, and adds to its routes which request ids log lines show. */
function instanceOf(capability: AnyCapability, services: Services): CapabilityInstance {
  const { requestIds, metrics: Metrics } = capability;
  const instance = capability.build(services as never, new Metrics(services.metrics.registry));
  return requestIds ? { ...instance, routes: instance.routes.map((one) => ({ ...one, requestIds })) } : instance;
}
