import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CODEC_PATH } from '../api/platform/codecCors';
import { isLoopback, type Listening } from '../api/http/server';
import { workerVersion } from '../config';
import type { ServiceName } from '../config/services';
import { defined } from '../domain/defined';
import { isLongwatchError } from '../domain/errors';
import { configuredEndpoints, type Endpoints, streamsOf } from '../config/endpoints';
import { buildGraph, type Graph } from '../graph';
import { type Combined, combine } from '../graph/combinedCapabilities';
import type { Config } from '../graph/config';
import { selectCapabilities } from '../graph/selectCapabilities';
import { TemporalConfigError } from '../gateways/temporal';
import { retryUntilReady } from './retryUntilReady';
import { writeAddresses } from '../local/addresses';
import { type BoundPort, bindPort } from '../local/ports';
import { type Progress, showProgress } from '../local/progress';
import { startScreen } from '../local/screen';
import { developmentSecrets, type Secrets } from '../local/secrets';
import { type Stack, startStack } from '../local/stack';
import { withinGrace } from './shutdown';
import { isUnavailable } from '../stores/dynamodb';
import { startTracing, type Tracing } from '../telemetry/tracing';
import { installRuntime, startWorkers, type Workers, type WorkersSettings } from '../workers';
import { selectQueues } from '../workers/selectQueues';
import { searchAttributeTypes } from '../domain/platform/searchAttributes';
import { endpointsWith, partsOf } from './endpoints';
import { type HttpParts, listenForHealth, listenForRequests } from './http';
import { MODEL, version } from './release';
import { watchUnexpected } from './unexpected';

/** The kind of process: `npm start` (`all`), `npm run api` or `npm run worker`. */
export type Mode = 'all' | 'api' | 'worker';

/**
 * Share of the grace period that active requests get to finish, and then active activities. The rest is for closing
 * connections.
 */
const SHARES: Readonly<Record<Mode, number>> = { all: 0.4, api: 0.8, worker: 0.8 };

/** One process from start to stop. Its parts start in order and stop in reverse order, each within a time limit. */
export class Run {
  private tracing: Tracing | undefined;
  private stack: Stack | undefined;
  private graph: Graph | undefined;
  private workers: Workers | undefined;
  private api: Listening | undefined;
  /** Server for health and metrics, in a process without an API. */
  private health: Listening | undefined;
  private stopped: Promise<void> | undefined;
  private isUp = false;
  private readonly stopping = new AbortController();
  /** Token in the URL at which the embedded Web UI decrypts payloads; new at each start. */
  private readonly codecLinkToken: string | undefined;
  private keepingReconciler: NodeJS.Timeout | undefined;
  private apiPort: Promise<BoundPort | undefined> | undefined;
  private readonly progress: Progress;
  private readonly version: WorkersSettings['version'];
  private readonly combined: Combined;

  /** @param config settings for which {@link startFaults} found no fault in this mode */
  constructor(
    private readonly mode: Mode,
    private readonly config: Config,
  ) {
    this.version = workerVersion(config);
    this.combined = combine(selectCapabilities(config.LONGWATCH_CAPABILITIES));
    this.progress = showProgress(process.stdout);
    const encrypts = config.LONGWATCH_PAYLOAD_KEYS.length > 0 || config.LONGWATCH_PAYLOAD_KMS_KEYS.length > 0;
    // Only on loopback: the embedded Web UI has no sign-in, so everyone who reaches this address can decrypt payloads.
    this.codecLinkToken =
      encrypts && mode === 'all' && isLoopback(config.HOST) ? randomBytes(24).toString('base64url') : undefined;
  }

  /** Handles errors that no code catches: logs them, and stops the process in order after an uncaught exception. */
  watchUnexpected(): void {
    watchUnexpected({
      isUp: () => this.isUp,
      report: (level, error, message) => {
        if (this.graph) this.graph.logger[level]({ err: error }, message);
        else process.stderr.write(`${message}\n${error instanceof Error ? error.stack : String(error)}\n`);
      },
      countRejection: () => this.graph?.metrics.process.unhandledRejection(),
      stop: () => void (this.stopped ?? this.stop('an uncaught exception')),
    });
  }

  /** Starts all parts and resolves when the process serves. @throws the error of a part that cannot start */
  async start(): Promise<void> {
    const { config, mode } = this;
    const queues = selectQueues(this.combined.queues, config.LONGWATCH_QUEUES);
    this.traceIfConfigured();
    const secrets = this.openStack();
    const endpoints = await this.findEndpoints();
    const graph = this.openGraph(endpoints, secrets);
    if (mode !== 'api') this.installTemporalRuntime(graph);
    await this.prepare(graph, endpoints);
    if (this.stopped) return;
    await this.listen(graph, endpoints, secrets);
    this.isUp = true;
    const temporal = await this.stack?.temporal;
    if (mode !== 'api') this.workers = this.serve(graph, queues);
    if (mode === 'all') await this.untilReady(graph);
    this.progress.stop();
    this.showScreen(graph, secrets, endpoints, temporal?.uiUrl ?? config.TEMPORAL_UI_URL);
    this.stack?.broken.catch((error: unknown) => this.end(error));
  }

  private traceIfConfigured(): void {
    const {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesCollector,
      OTEL_SDK_DISABLED: untraced,
      OTEL_SERVICE_NAME: serviceName,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    } = this.config;
    if ((collector ?? tracesCollector) === undefined || untraced) return;
    this.tracing = startTracing({ serviceName, serviceVersion: version, protocol });
  }

  /** Waits until the embedded services have addresses. */
  private async findEndpoints(): Promise<Endpoints> {
    const { needs } = this.combined;
    return this.stack
      ? endpointsWith(this.stack, this.config, process.env, needs)
      : configuredEndpoints(this.config, process.env, needs);
  }

  private openGraph(endpoints: Endpoints, secrets: Secrets | undefined): Graph {
    const { config } = this;
    this.graph = buildGraph({
      config,
      capabilities: this.combined.capabilities,
      endpoints,
      signingSecret: config.LONGWATCH_SIGNING_SECRET ?? secrets?.signingSecret ?? '',
      publicUrl: () => config.LONGWATCH_PUBLIC_URL ?? this.api?.url ?? `http://${config.HOST}:${config.PORT}`,
      ...defined({ codecLinkToken: this.codecLinkToken }),
      workerState: () => this.workerState(),
      version,
    });
    return this.graph;
  }

  private installTemporalRuntime({ logger, metrics }: Graph): void {
    const { LONGWATCH_LOG_LEVEL: level } = this.config;
    installRuntime(level === 'info' ? 'warn' : level, {
      logger,
      onMetrics: (updates) => metrics.temporal.take(updates),
    });
  }

  /** Opens the API; for a worker, only health checks and metrics. */
  private async listen(graph: Graph, endpoints: Endpoints, secrets: Secrets | undefined): Promise<void> {
    const { config } = this;
    // A stopping process is not ready, and does not query its dependencies.
    const readiness: HttpParts['readiness'] = async () =>
      this.stopped ? { status: 'stopping' } : graph.readiness(this.workerState());
    const http: HttpParts = { config, graph, version, readiness };
    if (this.mode === 'worker') {
      this.health = await listenForHealth(http);
      this.progress.done('health and metrics', `at ${this.health.url}`);
      return;
    }
    await graph.warmUp();
    const held = await this.apiPort;
    await held?.release();
    const port = held?.port ?? config.PORT;
    this.api = await listenForRequests(http, { port, endpoints, developmentKey: secrets?.apiKey });
    this.progress.done('API', `at ${this.api.url}; workflows start once Temporal is up`);
  }

  /**
   * Stops the process with exit code 1 after a part has failed permanently: a supervisor can restart a process that
   * ended, but not one that half works.
   */
  private end(error: unknown): void {
    process.exitCode = 1;
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
    void this.stop();
  }

  /**
   * Checks or updates the tables, then loads the stored state such as the rules. Waits while a service is unavailable,
   * so that all services can be started at the same time in any order.
   */
  private async prepare(graph: Graph, endpoints: Endpoints): Promise<void> {
    const isEmbedded = endpoints.dynamodb && this.stack && this.config.DYNAMODB_ENDPOINT === undefined;
    const prepare = async () => {
      // No other process updates the tables of an embedded DynamoDB.
      await graph.prepareStores(isEmbedded ? 'update' : 'check');
      await graph.load();
    };
    await retryUntilReady(prepare, {
      signal: this.stopping.signal,
      passes: (error) => isUnavailable(error) || isLongwatchError(error, 'unavailable'),
      onFault: (error) =>
        graph.logger.warn({ err: error }, 'DynamoDB or another required service is unavailable; retrying'),
    });
  }

  /** Starts the embedded services, in mode `all`. Returns the secrets of the embedded stack. */
  private openStack(): Secrets | undefined {
    const { config, mode } = this;
    if (mode !== 'all') return undefined;
    const { needs } = this.combined;
    const embeddedParts = Object.entries(needs.parts).flatMap(([part, need]) =>
      need === 'optional' ? [] : [part as ServiceName],
    );
    this.stack = startStack(config, {
      searchAttributes: searchAttributeTypes,
      parts: embeddedParts,
      model: { path: MODEL, endpointName: config.SAGEMAKER_ENDPOINT_NAME, more: config.LONGWATCH_LOCAL_MODELS ?? [] },
      streams: Object.values(streamsOf(config, needs, 'kinesis')),
      progress: this.progress,
      uiPortWanted: process.env['TEMPORAL_UI_PORT'] !== undefined,
      ...(this.codecLinkToken !== undefined && { codecEndpoint: this.codecEndpoint(this.codecLinkToken) }),
    });
    return developmentSecrets(this.stack.dataDir);
  }

  /**
   * Returns the address at which the Web UI decrypts payloads. Temporal gets it before the API listens, so a free port
   * is reserved now if PORT is 0.
   */
  private async codecEndpoint(token: string): Promise<string> {
    const { HOST, PORT } = this.config;
    if (PORT === 0) this.apiPort = bindPort({ port: 0 });
    const port = (await this.apiPort)?.port ?? PORT;
    return `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}${CODEC_PATH}/links/${token}`;
  }

  private workerState(): 'ok' | 'starting' | 'elsewhere' {
    return this.mode === 'api' ? 'elsewhere' : (this.workers?.state() ?? 'starting');
  }

  private serve(graph: Graph, queues: readonly string[]): Workers {
    this.progress.stage('workers', 'preparing workflows');
    let isPolling = false;
    return startWorkers({
      connection: graph.target.connection,
      namespace: graph.target.namespace,
      ...defined({ dataConverter: graph.target.dataConverter }),
      activities: Object.fromEntries(queues.map((queue) => [queue, graph.activities[queue] ?? {}])),
      queues: this.combined.queues,
      workflowsPaths: () => this.combined.workflowsPaths(),
      workflowIds: this.combined.workflowIds,
      bundlePath: this.config.LONGWATCH_WORKFLOW_BUNDLE,
      logLevel: this.config.LONGWATCH_LOG_LEVEL,
      graceMs: Math.round(this.config.LONGWATCH_GRACE_MS * SHARES[this.mode]),
      ...defined({ version: this.version }),
      onConnecting: () => {
        if (!isPolling) this.progress.stage('workers', `connecting to Temporal at ${temporalAddress(graph)}`);
      },
      onFault: (error) =>
        isPolling ? graph.onFault(error) : this.waitForTemporal(graph, error, 'a connection of the workers'),
      onBroken: (error) => this.end(error),
      onRunning: () => {
        isPolling = true;
        this.progress.done('workers', queues.join(', '));
        // Temporal may become unavailable again before all standing workflows are started.
        void retryUntilReady(() => graph.startStandingWorkflows(), {
          signal: this.stopping.signal,
          onFault: graph.onFault,
        });
        this.keepReconciler(graph);
        graph.startListening(queues);
      },
    });
  }

  /**
   * Restarts the reconciler regularly. The reconciler restarts lost workflows, but it is a workflow itself, so the
   * workers restart it. A start that finds it running is not a billable action.
   */
  private keepReconciler(graph: Graph): void {
    if (this.keepingReconciler) return;
    this.keepingReconciler = setInterval(
      () => void graph.keepReconciler().catch(graph.onFault),
      graph.reconcileEveryMs,
    );
    this.keepingReconciler.unref();
  }

  private async untilReady(graph: Graph): Promise<void> {
    while (!this.stopped && this.workers?.state() === 'starting')
      await new Promise((resolve) => setTimeout(resolve, 50));
    let waited = false;
    await retryUntilReady(() => graph.temporal.ensureSearchAttributes(), {
      signal: this.stopping.signal,
      passes: (error) => !(error instanceof TemporalConfigError),
      onFault: (error) => {
        waited = true;
        this.waitForTemporal(graph, error, 'its search attributes');
      },
    });
    if (waited && !this.stopped) this.progress.done('Temporal', 'answers');
  }

  /** Shows and logs what the start waits for. */
  private waitForTemporal(graph: Graph, error: unknown, what: string): void {
    const address = temporalAddress(graph);
    this.progress.stage('Temporal', `waiting for ${what}`, `${address} does not answer yet`);
    graph.logger.warn({ err: error }, `Temporal at ${address} does not answer; waiting for ${what}`);
  }

  private showScreen(
    graph: Graph,
    secrets: Secrets | undefined,
    endpoints: Endpoints,
    uiUrl: string | undefined,
  ): void {
    if (this.stopped) return;
    const { config, stack } = this;
    const { namespace } = graph.target;
    const parts = partsOf(endpoints, temporalAddress(graph), this.combined.needs);
    if (stack && this.api)
      writeAddresses(stack.dataDir, { api: this.api.url, ...(uiUrl && { ui: uiUrl }), namespace, parts });
    process.stdout.write(
      startScreen({
        apiUrl: this.api?.url ?? 'not in this process',
        ...(secrets && config.LONGWATCH_API_KEYS === undefined && { developmentKey: secrets.apiKey }),
        ...(uiUrl && { uiUrl }),
        namespace,
        ...defined({ dataDir: stack?.dataDir, longest: this.progress.longest() }),
        parts,
        startedInMs: performance.now(),
      }),
    );
  }

  /** Stops requests first, then workers, then the parts that both need. A second signal ends the process at once. */
  stop(signal?: string): Promise<void> {
    if (this.stopped) {
      if (signal) process.exit(130);
      return this.stopped;
    }
    if (signal)
      process.stdout.write(
        '\nStopping: active requests and workflow tasks finish first. Press Ctrl-C again to exit at once.\n',
      );
    this.stopping.abort();
    clearInterval(this.keepingReconciler);
    const { LONGWATCH_GRACE_MS: graceMs, LONGWATCH_STOP_DELAY_MS: delayMs } = this.config;
    this.stopped = withinGrace(delayMs + graceMs, async () => {
      this.progress.stop();
      // The load balancer sees 503 from /readyz for this time before the port closes.
      if (signal && this.api && delayMs > 0) await sleep(delayMs);
      this.graph?.endStreams();
      await this.api?.close(Math.round(graceMs * SHARES[this.mode]));
      await this.workers?.shutdown();
      await this.graph?.close();
      await this.stack?.stop();
      await this.health?.close(0);
      await this.tracing?.stop();
      if (signal) process.exit(process.exitCode ?? 0);
      if (process.exitCode) process.exit();
    });
    return this.stopped;
  }
}

const temporalAddress = ({ target }: Graph): string => target.connection.address ?? 'localhost:7233';
