import type { Combined } from '../src/graph/combinedCapabilities';
import { platform } from '../src/graph/platformDeclaration';
import type { CapabilityGrants, Grants } from '../src/stores/grants';

/** A process that has an IAM role: `api`, `worker`, or the name of a Lambda function. */
export type Process = string;

/**
 * Returns the DynamoDB actions of a process: `Table` or `Table/Index` → sorted actions. They are the grants of the
 * capabilities and of the platform, and nothing else.
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
  // Workers and the stream's function process a stream's records, and so does the API when an operator redrives a dead
  // letter.
  if (process === 'api') return [everywhere, metrics, routes, ...Object.values(functions)];
  if (process === 'worker') return [everywhere, metrics, readers, activities, ...Object.values(functions)];
  return [everywhere, functions[process] ?? {}];
}
