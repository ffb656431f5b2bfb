// Before the SDK loads: which Node.js it will want some day is no news for whoever starts us.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admission } from './api/admission';
import { type AppParts, createApp } from './api/app';
import { CallerLimits } from './api/callerLimits';
import { CODEC_PATH } from './api/crossOrigin';
import { ApiKeyError, Authenticator, authenticatorOf } from './api/auth';
import { isLoopback, listen, type Listening, ListenError } from './api/server';
import { type Config, ConfigError, configReference, readConfig, workerVersion } from './config';
import { isLongwatchError } from './domain/errors';
import { configuredEndpoints, DEFAULT_READINGS_STREAM, DEFAULT_STREAM, type Endpoints, LOCAL_CREDENTIALS, MissingEndpointError } from './endpoints';
import { TemporalConfigError } from './gateways/temporal';
import { buildGraph, type Graph } from './graph';
import { keepTrying } from './keepTrying';
import { writeAddresses } from './local/addresses';
import { StartError } from './local/errors';
import { type ClaimedPort, claimPort } from './local/ports';
import { type Progress, showProgress } from './local/progress';
import { startScreen } from './local/screen';
import { developmentSecrets, type Secrets } from './local/secrets';
import { type Stack, startStack } from './local/stack';
import { withinGrace } from './shutdown';
import { isAway } from './stores/dynamodb';
import { TableMismatchError } from './stores/tableCheck';
import { startTracing, type Tracing } from './telemetry/tracing';
import { installRuntime, startWorkers, type Workers, type WorkersSettings } from './workers';
import { type Queue, selectQueues, UnknownQueueError } from './workers/queues';
import { searchAttributeTypes } from './workflows/searchAttributes';

const ROOT = join(__dirname, '..');
const MODEL = join(ROOT, 'model', 'fraud.json');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** The one that OpenTelemetry's exporter for Prometheus has. */
const USUAL_METRICS_PORT = 9464;

type Mode = 'all' | 'api' | 'worker';

/** Of the grace period: how long requests have to finish, and then activities; the rest is for what they leave open. */
const SHARES: Readonly<Record<Mode, number>> = { all: 0.4, api: 0.8, worker: 0.8 };

const USAGE = `Longwatch ${version}: durable lifecycles for DynamoDB data, on Temporal

  npm start         everything on this machine: what has no endpoint configured is embedded
  npm run api       the HTTP API alone
  npm run worker    the workers alone

Settings are environment variables:

${configReference()
  .map(({ name, fallback, description }) => `  ${name}${fallback ? ` (default ${fallback})` : ''}\n      ${description}`)
  .join('\n')}
`;

/** Faults that a person can mend, told as one sentence and without a stack. */
const expected = [ConfigError, ApiKeyError, MissingEndpointError, StartError, ListenError, UnknownQueueError, TemporalConfigError, TableMismatchError];

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(USAGE);
  const mode = (args[0] ?? 'all') as Mode;
  if (!['all', 'api', 'worker'].includes(mode)) throw new ConfigError(`There is no mode "${mode}"; --help lists them`);
  const config = readConfig();
  const run = new Run(mode, config);
  process.on('SIGINT', () => void run.stop('SIGINT'));
  process.on('SIGTERM', () => void run.stop('SIGTERM'));
  try {
    await run.start();
  } catch (error) {
    await run.stop();
    throw error;
  }
}

/** One process from start to stop: parts come up in order and go down in reverse, each within a bound. */
class Run {
  private tracing: Tracing | undefined;
  private stack: Stack | undefined;
  private graph: Graph | undefined;
  private workers: Workers | undefined;
  private api: Listening | undefined;
  /** Of a process without an API. */
  private health: Listening | undefined;
  private stopped: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  /** By which the embedded Web UI has payloads decrypted: another one with each start. */
  private readonly codecLinkToken: string | undefined;
  private apiPort: Promise<ClaimedPort> | undefined;
  private readonly progress: Progress;
  private readonly version: WorkersSettings['version'];

  constructor(
    private readonly mode: Mode,
    private readonly config: Config,
  ) {
    this.version = workerVersion(config);
    this.progress = showProgress(process.stdout);
    const encrypts = config.LONGWATCH_PAYLOAD_KEYS.length > 0 || config.LONGWATCH_PAYLOAD_KMS_KEYS.length > 0;
    // The embedded Web UI has no sign-in: what it may do, everybody may who reaches this address.
    this.codecLinkToken = encrypts && mode === 'all' && isLoopback(config.HOST) ? randomBytes(24).toString('base64url') : undefined;
  }

  async start(): Promise<void> {
    const { config, mode } = this;
    const queues = selectQueues(config.LONGWATCH_QUEUES);
    const keysGiven = config.LONGWATCH_API_KEYS !== undefined || config.LONGWATCH_JWKS_URL !== undefined;
    if (mode !== 'worker' && !isLoopback(config.HOST) && !keysGiven)
      throw new ConfigError(`HOST is ${config.HOST}: listening beyond this machine needs LONGWATCH_API_KEYS or LONGWATCH_JWKS_URL`);
    const { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: tracesCollector, OTEL_SDK_DISABLED: untraced } = config;
    if ((collector ?? tracesCollector) !== undefined && !untraced)
      this.tracing = startTracing({ serviceName: config.OTEL_SERVICE_NAME, serviceVersion: version, protocol: config.OTEL_EXPORTER_OTLP_PROTOCOL });
    const secrets = this.openStack();
    const endpoints = await this.endpoints();
    const graph = buildGraph({
      config,
      endpoints,
      signingSecret: config.LONGWATCH_SIGNING_SECRET ?? secrets?.signingSecret ?? '',
      publicUrl: () => config.LONGWATCH_PUBLIC_URL ?? this.api?.url ?? `http://${config.HOST}:${config.PORT}`,
      ...(this.codecLinkToken !== undefined && { codecLinkToken: this.codecLinkToken }),
      workerState: () => this.workerState(),
      version,
    });
    this.graph = graph;
    if (mode !== 'api') installRuntime(config.LONGWATCH_LOG_LEVEL === 'info' ? 'warn' : config.LONGWATCH_LOG_LEVEL, {
      logger: graph.logger,
      onMetrics: (updates) => graph.metrics.temporal.take(updates),
    });
    // What is embedded has nobody else who would bring its tables up to date.
    await this.open(graph, endpoints.dynamodb && this.stack && config.DYNAMODB_ENDPOINT === undefined ? 'update' : 'check');
    if (this.stopped) return;
    if (mode !== 'worker') {
      await graph.warmUp();
      this.api = await this.listen(graph, secrets, endpoints);
      this.progress.done('API', `decides at ${this.api.url}; investigations begin once Temporal is up`);
    } else {
      this.health = await this.listenForHealth(graph);
      this.progress.done('health and metrics', `at ${this.health.url}`);
    }
    const temporal = await this.stack?.temporal;
    if (mode !== 'api') this.workers = this.serve(graph, queues);
    if (mode === 'all') await this.untilReady(graph);
    this.progress.stop();
    this.showScreen(graph, secrets, endpoints, temporal?.uiUrl ?? config.TEMPORAL_UI_URL);
    // A part that dies takes us with it: better a clear end than half a stack.
    this.stack?.broken.catch((error: unknown) => {
      process.exitCode = 1;
      process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
      void this.stop();
    });
  }

  /** Tables and rules. A part that is away is waited for, as it is later on: whoever starts all parts at once need not order them. */
  private async open(graph: Graph, tables: 'check' | 'update'): Promise<void> {
    const prepare = async () => {
      await graph.prepareStores(tables);
      await graph.startRules();
    };
    await keepTrying(prepare, {
      signal: this.stopping.signal,
      passes: (error) => isAway(error) || isLongwatchError(error, 'unavailable'),
      onFault: (error) => graph.logger.warn({ err: error }, 'DynamoDB, or another part that is needed first, cannot be reached; trying again'),
    });
  }

  /** Begins to start what is embedded. */
  private openStack(): Secrets | undefined {
    const { config, mode } = this;
    if (mode !== 'all') {
      if (config.LONGWATCH_SIGNING_SECRET === undefined)
        throw new ConfigError('LONGWATCH_SIGNING_SECRET: must be set (at least 32 random characters) where nothing is embedded');
      if (mode === 'api' && config.LONGWATCH_API_KEYS === undefined && config.LONGWATCH_JWKS_URL === undefined)
        throw new ConfigError('LONGWATCH_API_KEYS (name:role:key,…) or LONGWATCH_JWKS_URL must be set where nothing is embedded');
      return undefined;
    }
    this.stack = startStack(config, {
      searchAttributes: searchAttributeTypes,
      modelPath: MODEL,
      streams: [config.LONGWATCH_TRANSACTIONS_STREAM ?? DEFAULT_STREAM, config.LONGWATCH_READINGS_STREAM ?? DEFAULT_READINGS_STREAM],
      progress: this.progress,
      uiPortWanted: process.env['TEMPORAL_UI_PORT'] !== undefined,
      ...(this.codecLinkToken !== undefined && { codecEndpoint: this.codecEndpoint(this.codecLinkToken) }),
    });
    return developmentSecrets(this.stack.dataDir);
  }

  /** Told to the Web UI before the API listens, so that a port of our choice is chosen now. */
  private async codecEndpoint(token: string): Promise<string> {
    const { HOST, PORT } = this.config;
    if (PORT === 0) this.apiPort = claimPort();
    const port = this.apiPort ? (await this.apiPort).port : PORT;
    return `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}${CODEC_PATH}/links/${token}`;
  }

  /** DynamoDB and the model are awaited; Temporal may still be building, so only its address is. */
  private async endpoints(): Promise<Endpoints> {
    const { config, stack } = this;
    if (!stack) return configuredEndpoints(config, process.env);
    const [dynamodb, kinesis, s3, mqtt, sagemaker, temporal] = await Promise.all([stack.dynamodb, stack.kinesis, stack.s3, stack.mqtt, stack.sagemaker, stack.temporalAddress]);
    const configured = configuredEndpoints(
      {
        ...config,
        ...(dynamodb && { DYNAMODB_ENDPOINT: dynamodb.endpoint }),
        ...(kinesis && { KINESIS_ENDPOINT: kinesis.endpoint, LONGWATCH_READINGS_STREAM: config.LONGWATCH_READINGS_STREAM ?? DEFAULT_READINGS_STREAM }),
        ...(s3 && { S3_ENDPOINT: s3.endpoint }),
        ...(mqtt && { MQTT_URL: mqtt.url }),
        ...(sagemaker && { SAGEMAKER_ENDPOINT: sagemaker.endpoint }),
        ...(temporal && { TEMPORAL_ADDRESS: temporal.address }),
      },
      process.env,
    );
    return {
      ...(configured.dynamodb && { dynamodb: { ...configured.dynamodb, ...(dynamodb && { credentials: LOCAL_CREDENTIALS }) } }),
      ...(configured.kinesis && { kinesis: { ...configured.kinesis, ...(kinesis && { credentials: LOCAL_CREDENTIALS }) } }),
      ...(configured.readings && { readings: { ...configured.readings, ...(kinesis && { credentials: LOCAL_CREDENTIALS }) } }),
      ...(configured.s3 && { s3: { ...configured.s3, ...(s3 && { credentials: LOCAL_CREDENTIALS }) } }),
      ...(configured.mqtt && { mqtt: configured.mqtt }),
      ...(configured.sagemaker && { sagemaker: { ...configured.sagemaker, ...(sagemaker && { credentials: LOCAL_CREDENTIALS }) } }),
      temporal: { ...configured.temporal, ...(temporal && { address: temporal.address, uiUrl: temporal.uiUrl }) },
    };
  }

  private async listen(graph: Graph, secrets: Secrets | undefined, endpoints: Endpoints): Promise<Listening> {
    const { config } = this;
    const keys = config.LONGWATCH_API_KEYS ?? (config.LONGWATCH_JWKS_URL || !secrets ? undefined : `dev:admin:${secrets.apiKey}`);
    const authenticator = authenticatorOf(config, keys);
    const { http } = graph.metrics;
    const admission = new Admission({ max: config.LONGWATCH_MAX_CONCURRENT_REQUESTS, onShed: (where) => http.turnedAway(where) });
    http.watchAdmission(() => admission.state);
    const app = createApp({
      ...this.appParts(graph),
      admission,
      callerLimits: new CallerLimits(config.LONGWATCH_CALLER_LIMITS),
      routes: graph.routes,
      authenticator,
      uiOrigins: uiOrigins(config, endpoints),
    });
    return listen(app, { host: config.HOST, port: (await this.apiPort)?.port ?? config.PORT, admission, maxConnections: config.LONGWATCH_MAX_CONNECTIONS });
  }

  private appParts(graph: Graph): Omit<AppParts, 'routes' | 'authenticator'> {
    const { LONGWATCH_TRUSTED_PROXIES: trustedProxies } = this.config;
    return {
      logger: graph.logger,
      registry: graph.metrics.registry,
      watch: graph.metrics.http,
      // On its way out a process wants no more requests, and asks nobody whether it could serve them.
      readiness: async () => (this.stopped ? { status: 'stopping' } : graph.readiness(this.workerState())),
      version,
      ...(trustedProxies && { trustedProxies }),
    };
  }

  private workerState(): 'ok' | 'starting' | 'elsewhere' {
    return this.mode === 'api' ? 'elsewhere' : (this.workers?.state() ?? 'starting');
  }

  /** What orchestrators and scrapers ask of a process that has no API. */
  private listenForHealth(graph: Graph): Promise<Listening> {
    const { HOST: host, LONGWATCH_WORKER_PORT: port } = this.config;
    const app = createApp({ ...this.appParts(graph), routes: [], authenticator: new Authenticator([]) });
    if (port !== undefined) return listen(app, { host, port, setting: 'LONGWATCH_WORKER_PORT' });
    return listen(app, { host, port: USUAL_METRICS_PORT }).catch(() => listen(app, { host, port: 0, setting: 'LONGWATCH_WORKER_PORT' }));
  }

  private serve(graph: Graph, queues: readonly Queue[]): Workers {
    this.progress.stage('workers', 'bundling workflows');
    return startWorkers({
      connection: graph.target.connection,
      namespace: graph.target.namespace,
      ...(graph.target.dataConverter && { dataConverter: graph.target.dataConverter }),
      activities: Object.fromEntries(queues.map((queue) => [queue, graph.activities[queue] ?? {}])),
      bundlePath: this.config.LONGWATCH_WORKFLOW_BUNDLE,
      logLevel: this.config.LONGWATCH_LOG_LEVEL,
      graceMs: Math.round(this.config.LONGWATCH_GRACE_MS * SHARES[this.mode]),
      ...(this.version && { version: this.version }),
      onFault: graph.onFault,
      onRunning: () => {
        this.progress.done('workers', queues.join(', '));
        // Temporal may go away again before all of them are there.
        void keepTrying(() => graph.startStandingWorkflows(), { signal: this.stopping.signal, onFault: graph.onFault });
        graph.startListening(queues);
      },
    });
  }

  private async untilReady(graph: Graph): Promise<void> {
    while (!this.stopped && this.workers?.state() === 'starting') await new Promise((resolve) => setTimeout(resolve, 50));
    if (!this.stopped) await graph.temporal.ensureSearchAttributes();
  }

  private showScreen(graph: Graph, secrets: Secrets | undefined, endpoints: Endpoints, uiUrl: string | undefined): void {
    if (this.stopped) return;
    const { config, stack } = this;
    const { namespace, connection } = graph.target;
    const parts = {
      DynamoDB: endpoints.dynamodb?.endpoint ?? 'AWS',
      ...(endpoints.kinesis && { Kinesis: `${endpoints.kinesis.endpoint ?? 'AWS'} ${endpoints.kinesis.stream}` }),
      ...(endpoints.s3 && { S3: endpoints.s3.endpoint ?? 'AWS' }),
      // Without the password that the address may hold.
      ...(endpoints.mqtt && { MQTT: endpoints.mqtt.url.replace(/\/\/[^@/]*@/, '//') }),
      model: endpoints.sagemaker?.endpoint ?? 'AWS',
      Temporal: connection.address ?? 'localhost:7233',
    };
    if (stack && this.api) writeAddresses(stack.dataDir, { api: this.api.url, ...(uiUrl && { ui: uiUrl }), namespace, parts });
    process.stdout.write(
      startScreen({
        apiUrl: this.api?.url ?? 'not in this process',
        ...(secrets && config.LONGWATCH_API_KEYS === undefined && { developmentKey: secrets.apiKey }),
        ...(uiUrl && { uiUrl }),
        namespace,
        ...(stack && { dataDir: stack.dataDir }),
        parts,
      }),
    );
  }

  /** Requests first, then workers, then what both need. A second signal does not wait. */
  stop(signal?: string): Promise<void> {
    if (this.stopped) {
      if (signal) process.exit(130);
      return this.stopped;
    }
    if (signal) process.stdout.write('\nStopping: requests and workflow tasks under way are finished first. Ctrl-C again to cut it short.\n');
    this.stopping.abort();
    const { LONGWATCH_GRACE_MS: graceMs, LONGWATCH_STOP_DELAY_MS: delayMs } = this.config;
    this.stopped = withinGrace(delayMs + graceMs, async () => {
      this.progress.stop();
      // Whoever sends requests sees /readyz say so before the port closes.
      if (signal && this.api && delayMs > 0) await sleep(delayMs);
      this.graph?.endStreams();
      await this.api?.close(Math.round(graceMs * SHARES[this.mode]));
      await this.workers?.shutdown();
      await this.graph?.close();
      await this.stack?.stop();
      (await this.apiPort)?.release();
      await this.health?.close(0);
      await this.tracing?.stop();
      if (signal) process.exit(process.exitCode ?? 0);
      if (process.exitCode) process.exit();
    });
    return this.stopped;
  }
}

/** Origins of the Web UIs whose pages may ask for payloads in clear text. */
function uiOrigins({ LONGWATCH_UI_ORIGINS, TEMPORAL_UI_URL }: Config, { temporal }: Endpoints): string[] {
  const origins = [...LONGWATCH_UI_ORIGINS];
  if (TEMPORAL_UI_URL) origins.push(new URL(TEMPORAL_UI_URL).origin);
  // Whoever types localhost has another origin.
  if (temporal.uiUrl) origins.push(new URL(temporal.uiUrl).origin, new URL(temporal.uiUrl).origin.replace('127.0.0.1', 'localhost'));
  return [...new Set(origins)];
}

main().catch((error: unknown) => {
  const known = expected.some((type) => error instanceof type);
  process.stderr.write(`\n${known ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
