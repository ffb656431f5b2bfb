import {
  Client,
  Connection,
  type ConnectionOptions,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleOptionsStartWorkflowAction,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { DataConverter, Workflow } from '@temporalio/common';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { NativeConnectionOptions } from '@temporalio/worker';
import type { CallWatch } from '../../telemetry/calls';
import { searchAttributes } from '../../domain/platform/searchAttributes';
import { watchedWorkflows } from './calls';

export interface TemporalSettings {
  /** Set for the embedded server; otherwise the environment and Temporal's own config file decide. */
  address?: string;
  namespace: string;
}

export interface TemporalTarget {
  /** For clients and workers alike: address, TLS, API key, metadata. */
  connection: NativeConnectionOptions;
  namespace: string;
  /** Encrypts payloads, where that is configured. */
  dataConverter?: DataConverter;
}

/**
 * What `TEMPORAL_*` variables or Temporal's config file say cannot be used, or Temporal refuses it: waiting mends
 * nothing.
 */
export class TemporalConfigError extends Error {
  override readonly name = 'TemporalConfigError';
}

/**
 * Where Temporal is: the address given, or what `TEMPORAL_*` variables and the profile of Temporal's config
 * file say (TLS, API key and metadata included).
 * @throws TemporalConfigError naming the file or the variable that is wrong.
 */
export function temporalTarget(
  { address, namespace }: TemporalSettings,
  env: Record<string, string | undefined> = process.env,
): TemporalTarget {
  if (address !== undefined) return { connection: { address }, namespace };
  // Empty values count as absent, as in our own settings: a compose file or a task definition sets them so.
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
  const { connectionOptions, namespace: profiled } = loaded(given);
  const {
    TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: key,
    TEMPORAL_TLS_CLIENT_CERT_DATA: certData,
    TEMPORAL_TLS_CLIENT_KEY_DATA: keyData,
  } = given;
  if ((cert ?? certData) !== undefined && (key ?? keyData) === undefined)
    throw new TemporalConfigError(
      'A client certificate needs its key: set TEMPORAL_TLS_CLIENT_KEY_PATH or TEMPORAL_TLS_CLIENT_KEY_DATA',
    );
  return { connection: connectionOptions, namespace: profiled ?? namespace };
}

function loaded(env: Record<string, string>): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig({ overrideEnvVars: env });
  } catch (error) {
    throw new TemporalConfigError(
      `Temporal's settings (TEMPORAL_* or its config file): ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** How long a call of ours waits for Temporal before the work stays owed. */
const CALL_DEADLINE_MS = 5_000;

/** A client whose process starts, and keeps running, whether Temporal answers or not. */
export class Temporal {
  readonly client: Client;
  private readonly connection: Connection;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(target: TemporalTarget, watch?: CallWatch) {
    this.connection = Connection.lazy({
      ...(target.connection as ConnectionOptions),
      connectTimeout: CALL_DEADLINE_MS,
    });
    this.client = new Client({
      connection: this.connection,
      namespace: target.namespace,
      interceptors: { workflow: [watchedWorkflows(watch)] },
      ...(target.dataConverter && { dataConverter: target.dataConverter }),
    });
  }

  /** A call under our deadline. */
  within<T>(call: () => Promise<T>, deadlineMs = CALL_DEADLINE_MS): Promise<T> {
    const answer = this.connection.withDeadline(Date.now() + deadlineMs, call);
    const over: Promise<unknown> = answer.then(
      () => this.underWay.delete(over),
      () => this.underWay.delete(over),
    );
    this.underWay.add(over);
    return answer;
  }

  async state(): Promise<'ok' | 'unavailable'> {
    try {
      await this.within(
        () => this.connection.workflowService.describeNamespace({ namespace: this.client.options.namespace }),
        1_000,
      );
      return 'ok';
    } catch {
      return 'unavailable'; // Whatever the reason, readiness only tells that it is so.
    }
  }

  /**
   * Registers our search attributes where they are missing: a workflow that upserts an unknown one hangs. Where a
   * server lets nobody ask (Temporal Cloud keeps this for its own tools) they are taken to be there.
   * @throws TemporalConfigError naming those that are missing where we may not add them, or saying why Temporal
   *   refuses us
   *   for good. Every other error passes by itself: a deadline that was missed, a server that is not there yet.
   */
  async ensureSearchAttributes(): Promise<void> {
    const { namespace } = this.client.options;
    const found = await this.within(() => this.connection.operatorService.listSearchAttributes({ namespace })).catch(
      unlessForbidden,
    );
    if (!found) return;
    const missing = Object.values(searchAttributes).filter(({ name }) => found.customAttributes?.[name] === undefined);
    if (missing.length === 0) return;
    const added = await this.within(() =>
      this.connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          missing.map(({ name, type }) => [name, encodeSearchAttributeIndexedValueType(type) ?? 0]),
        ),
      }),
    ).catch(unlessForbidden);
    if (!added)
      throw new TemporalConfigError(
        `The namespace ${namespace} lacks search attributes that we may not add: ` +
          `${missing.map(({ name, type }) => `${name} (${type})`).join(', ')}. ` +
          'Add them with the tools of your cluster or of Temporal Cloud: docs/deployment.md',
      );
  }

  /**
   * Makes a schedule, or gives the one that is there these times and this action. One run at a time; what was missed
   * for a day is made up for.
   */
  async ensureSchedule(
    scheduleId: string,
    cron: string,
    action: Omit<ScheduleOptionsStartWorkflowAction<Workflow>, 'type'>,
  ): Promise<void> {
    const options = {
      spec: { cronExpressions: [cron] },
      action: { ...action, type: 'startWorkflow' as const },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' as const },
    };
    try {
      await this.within(() => this.client.schedule.create({ scheduleId, ...options }));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await this.within(() =>
        this.client.schedule
          .getHandle(scheduleId)
          .update((found) => ({ ...found, ...options, action: { ...found.action, ...options.action } })),
      );
    }
  }

  /** Waits for the calls under way: the SDK would retry them on the closed connection, outside of any promise. */
  async close(): Promise<void> {
    await Promise.all(this.underWay);
    await this.connection.close();
  }
}

/**
 * Returns undefined for gRPC's PERMISSION_DENIED and UNIMPLEMENTED: the server answers, and does not offer this to us.
 */
function unlessForbidden(error: unknown): undefined {
  if (!isGrpcServiceError(error)) throw error;
  if (error.code === 7 || error.code === 12) return undefined;
  // INVALID_ARGUMENT and UNAUTHENTICATED: the next try gets the same answer.
  if (error.code === 3 || error.code === 16)
    throw new TemporalConfigError(
      `Temporal refuses this process: ${error.details || error.message}. Check TEMPORAL_ADDRESS, ` +
        'TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_*',
      { cause: error },
    );
  throw error;
}
