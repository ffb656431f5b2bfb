import type { PartNeeds } from '../config/endpoints';
import type { ServiceName } from '../config/services';
import type { LifecycleRule, Lifecycles } from '../domain/platform/lifecycle';
import type { Tables } from '../stores/tableSpec';
import type { Queues } from '../workers/selectQueues';
import type { AnyCapability } from './capability';
import { platform } from './platformDeclaration';

/** The combined declarations of some capabilities and the platform. */
export interface Combined {
  capabilities: readonly AnyCapability[];
  tables: Tables;
  queues: Queues;
  lifecycles: Lifecycles;
  /** The meaning of the parts of a workflow id, by its first part. */
  workflowIds: Readonly<Record<string, readonly string[]>>;
  /** Returns the paths of the modules that export workflows. */
  workflowsPaths(): string[];
  needs: PartNeeds;
  /** Returns the rule of a workflow type; undefined for a type that is not Longwatch's. */
  lifecycleRule(type: string): LifecycleRule | undefined;
}

/**
 * Combines the declarations of capabilities and the platform.
 * @throws Error if two capabilities declare the same table, queue, workflow type, or first part of workflow ids
 */
export function combine(capabilities: readonly AnyCapability[]): Combined {
  const all = [platform, ...capabilities];
  const lifecycles = union(
    'workflow type',
    all.map((one) => one.lifecycles),
  );
  return {
    capabilities,
    tables: union(
      'table',
      all.map((one) => one.tables),
    ),
    queues: union(
      'queue',
      all.map((one) => one.queues),
    ),
    lifecycles,
    workflowIds: union(
      'workflow id',
      all.map((one) => one.workflowIds ?? {}),
    ),
    workflowsPaths: () => all.map((one) => one.workflowsPath()),
    needs: needsOf(capabilities),
    lifecycleRule: (type) => (Object.hasOwn(lifecycles, type) ? lifecycles[type] : undefined),
  };
}

function union<T>(what: string, records: readonly Readonly<Record<string, T>>[]): Readonly<Record<string, T>> {
  const found: Record<string, T> = {};
  for (const [name, one] of records.flatMap((record) => Object.entries(record))) {
    if (Object.hasOwn(found, name)) throw new Error(`Two capabilities declare the ${what} ${name}`);
    found[name] = one;
  }
  return found;
}

/** Combines the needed parts. If several capabilities need a part, the strongest need counts. */
function needsOf(capabilities: readonly AnyCapability[]): PartNeeds {
  const parts: Partial<Record<ServiceName, 'required' | 'embedded' | 'optional'>> = {};
  const strength = ['optional', 'embedded', 'required'];
  for (const [part, need] of capabilities.flatMap(
    (one) => Object.entries(one.parts ?? {}) as [ServiceName, 'required' | 'embedded' | 'optional'][],
  ))
    if (strength.indexOf(need) > strength.indexOf(parts[part] ?? '')) parts[part] = need;
  return { parts, kinesisStreams: capabilities.flatMap(({ kinesisStreams = [] }) => kinesisStreams) };
}
