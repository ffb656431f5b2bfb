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

/** Settings of the connection to Temporal. */
export interface TemporalSettings {
  /** Address of the embedded server; otherwise the environment and Temporal's own config file decide. */
  address?: string;
  namespace: string;
}

/** Where Temporal is and how to connect. */
export interface TemporalTarget {
  /** Connection options of clients and workers: address, TLS, API key, metadata. */
  connection: NativeConnectionOptions;
  namespace: string;
  /** Encrypts payloads, if encryption is configured. */
  dataConverter?: DataConverter;
}

/**
 * The `TEMPORAL_*` variables or Temporal's config file are not valid, or Temporal refuses them. A retry does not help.
 */
export class TemporalConfigError extends Error {
  override readonly name = 'TemporalConfigError';
}

/**
 * Returns where Temporal is: the given address, or the `TEMPORAL_*` variables and the profile of Temporal's config file
 * (including TLS, API key and metadata).
 * @throws TemporalConfigError naming the file or variable at fault
 */
export function temporalTarget(
  { address, namespace }: TemporalSettings,
  env: Record<string, string | undefined> = process.env,
): TemporalTarget {
  if (address !== undefined) return { connection: { address }, namespace };
  // An empty value counts as absent, as in Longwatch's own settings: compose files and task definitions set empty
  // values.
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

/** Deadline of a call to Temporal. An outbox entry whose call fails stays in the outbox. */
const CALL_DEADLINE_MS = 5_000;

/**
 * A client that does not need Temporal at start: calls fail while Temporal is unavailable, and the process keeps
 * running.
 */
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

  /** Makes a call with a deadline (default 5 s). @throws the gRPC error DEADLINE_EXCEEDED after it */
  within<T>(call: () => Promise<T>, deadlineMs = CALL_DEADLINE_MS): Promise<T> {
    const answer = this.connection.withDeadline(Date.now() + deadlineMs, call);
    const over: Promise<unknown> = answer.then(
      () => this.underWay.delete(over),
      () => this.underWay.delete(over),
    );
    this.underWay.add(over);
    return answer;
  }

  /** Checks within one second whether Temporal answers. */
  async state(): Promise<'ok' | 'unavailable'> {
    try {
      await this.within(
        () => this.connection.workflowService.describeNamespace({ namespace: this.client.options.namespace }),
        1_000,
      );
      return 'ok';
    } catch {
      return 'unavailable'; // Readiness reports only that Temporal is unavailable, not the cause.
    }
  }

  /**
   * Registers missing search attributes; a workflow that upserts an unknown one hangs. If the server does not allow
   * listing them (Temporal Cloud), assumes that they exist.
   * @throws TemporalConfigError naming the missing ones if this process may not add them, or if Temporal refuses this
   * process permanently. All other errors are temporary: a missed deadline, or a server that is not up yet.
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
   * Creates a schedule, or updates the existing one. A run that would overlap the previous run is skipped. After
   * downtime, runs missed within the last day are caught up.
   * @param cron cron expression, in UTC
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

  /**
   * Waits for the calls in flight, then closes the connection. Otherwise the SDK would retry the calls on the closed
   * connection, and its errors would be unhandled.
   */
  async close(): Promise<void> {
    await Promise.all(this.underWay);
    await this.connection.close();
  }
}

/** Returns undefined for PERMISSION_DENIED and UNIMPLEMENTED: the server answers but does not offer this call. */
function unlessForbidden(error: unknown): undefined {
  if (!isGrpcServiceError(error)) throw error;
  if (error.code === 7 || error.code === 12) return undefined;
  // INVALID_ARGUMENT and UNAUTHENTICATED: a retry gets the same answer.
  if (error.code === 3 || error.code === 16)
    throw new TemporalConfigError(
      `Temporal refuses this process: ${error.details || error.message}. Check TEMPORAL_ADDRESS, ` +
        'TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_*',
      { cause: error },
    );
  throw error;
}
