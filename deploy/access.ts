import { type Combined, platform } from '../src/graph/combined';
import type { CapabilityGrants, Grants } from '../src/stores/grants';

/** A process that has a role: the API, the workers, or a Lambda function by its name. */
export type Process = string;

/**
 * What a process may do to tables: `Table` or `Table/Index` → actions, sorted. Made from the grants of the capabilities
 * and the
 * platform; nothing else is granted.
 */
export function grantsOf(
  process: Process,
  { capabilities }: Pick<Combined, 'capabilities'>,
): ReadonlyMap<string, readonly string[]> {
  const readsStream = capabilities.some(({ functions = [] }) =>
    functions.some(({ name, stream }) => name === process && stream !== undefined),
  );
  const grants = [platform, ...capabilities].flatMap((one) => ofProcess(process, one.grants));
  const all = new Map<string, Set<string>>();
  for (const [where, actions] of [...grants, ...(readsStream ? [platform.grants.readers] : [])].flatMap(
    (one) => Object.entries(one) as [string, string][],
  ))
    all.set(where, new Set([...(all.get(where) ?? []), ...actions.split(' ')]));
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([where, actions]) => [where, [...actions].sort()]));
}

function ofProcess(
  process: Process,
  { everywhere = {}, metrics = {}, readers = {}, routes, activities, functions = {} }: CapabilityGrants,
): Grants[] {
  // A stream's records are processed by workers, by its function, and by the API when a person re-drives a dead letter.
  if (process === 'api') return [everywhere, metrics, routes, ...Object.values(functions)];
  if (process === 'worker') return [everywhere, metrics, readers, activities, ...Object.values(functions)];
  return [everywhere, functions[process] ?? {}];
}
