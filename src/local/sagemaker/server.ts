import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { featureNames } from '../../domain/fraud/features';
import { type BoostedTrees, parseModel } from '../../domain/fraud/xgboost';
import { listenOn } from '../ports';
import { ContainerError, parseRows, predict } from './predictions';
import { monotonicClock } from '../../timing/clock';

/** Faults that the endpoint simulates, for tests. */
export interface Misbehaviour {
  /** Milliseconds to wait before each answer. */
  delayMs?: number;
  /** Answers with this status and SageMaker's error for it. */
  status?: 424 | 429 | 500 | 503 | 530;
  /** Answers 200 with this body. */
  body?: string;
  /** Closes the connection without an answer. */
  reset?: boolean;
  /** `answer`: accepts the request and never answers. `body`: sends headers but never the body. */
  hang?: 'answer' | 'body';
}

/** Models and address of the endpoint. */
export interface EndpointServerSettings {
  modelPath: string;
  host: string;
  /** Port; 0 for any free port. */
  port: number;
  /** Uses another port if this one is taken. */
  orAnother?: boolean;
  endpointName: string;
  /** Paths of further models, by the names of their endpoints. */
  more?: Readonly<Record<string, string>>;
  behaviour?: () => Misbehaviour | undefined;
}

/** Maximum size of a request body (SageMaker API reference, InvokeEndpoint). */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

const errorTypes: Readonly<Record<number, string>> = {
  400: 'ValidationError',
  413: 'ValidationError',
  424: 'ModelError',
  429: 'ModelNotReadyException',
  500: 'InternalFailure',
  503: 'ServiceUnavailable',
  530: 'InternalDependencyException',
};

/** An error of the SageMaker service itself, not of the model's container. */
class ServiceError extends Error {
  override readonly name = 'ServiceError';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface ServedModel {
  model: BoostedTrees;
  version: string;
}

interface Serving {
  settings: EndpointServerSettings;
  /** Models by the names of their endpoints. */
  models: ReadonlyMap<string, ServedModel>;
}

/**
 * Serves an XGBoost JSON model as SageMaker's runtime does (`POST /endpoints/<name>/invocations`) and as a
 * bring-your-own container must (`GET /ping`, `POST /invocations`). Accepts rows as CSV without header (missing value:
 * empty cell) or as JSON; answers scores as CSV or JSON. With the custom attribute `explain=approximate` or
 * `explain=exact`, a JSON answer also has the contribution of each feature in log-odds.
 * @throws ModelFormatError if the model was trained on features other than those of this code
 */
export async function startEndpointServer(
  settings: EndpointServerSettings,
): Promise<{ url: string; close(): Promise<void> }> {
  const models = new Map<string, ServedModel>();
  for (const [name, path] of Object.entries({ ...settings.more, [settings.endpointName]: settings.modelPath }))
    models.set(name, {
      model: parseModel(JSON.parse(await readFile(path, 'utf8')), featureNames),
      version: await modelVersion(path),
    });
  const serving = { settings, models };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(serving, request, response).catch((error: unknown) => sendError(request, response, error));
  });
  const port = await listenOn(server, settings.port, { only: !settings.orAnother, host: settings.host });
  return { url: `http://${settings.host}:${port}`, close: () => close(server) };
}

/** Returns the version in the model's card, or `unversioned` without a card. */
async function modelVersion(modelPath: string): Promise<string> {
  try {
    const card = JSON.parse(await readFile(modelPath.replace(/\.json$/, '.card.json'), 'utf8')) as { version: string };
    return card.version;
  } catch {
    return 'unversioned'; // A model without a card is served, too.
  }
}

async function answer(
  { settings, models }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET' && request.url === '/ping') return void response.writeHead(200).end();
  const endpoint = endpointOf(request);
  if (request.method !== 'POST' || (endpoint === undefined && request.url !== '/invocations'))
    throw new ServiceError(404, `${request.method} ${request.url} is not served here`);
  const body = await readBody(request);
  if (await misbehave(settings.behaviour?.(), request, response)) return;
  const served = models.get(endpoint ?? settings.endpointName);
  if (!served) throw new ServiceError(400, `Endpoint ${endpoint} of account 000000000000 not found.`);
  const { model, version } = served;
  const rows = parseRows(body, request.headers['content-type'] ?? 'text/csv', model.featureNames.length);
  const asked = /explain=(approximate|exact)/.exec(
    String(request.headers['x-amzn-sagemaker-custom-attributes'] ?? ''),
  )?.[1];
  const predictions = rows.map((row) => predict(model, row, asked as 'approximate' | 'exact' | undefined));
  const json = String(request.headers.accept ?? '').includes('json');
  response.writeHead(200, {
    'content-type': json ? 'application/json' : 'text/csv; charset=utf-8',
    'x-amzn-invoked-production-variant': 'AllTraffic',
    'x-amzn-sagemaker-custom-attributes': `model=${version}`,
  });
  response.end(json ? JSON.stringify({ predictions }) : `${predictions.map(({ score }) => score).join('\n')}\n`);
}

const endpointOf = (request: IncomingMessage): string | undefined =>
  /^\/endpoints\/([^/]+)\/invocations$/.exec(request.url ?? '')?.[1];

/** Simulates the fault. @returns whether the request is answered */
async function misbehave(
  how: Misbehaviour | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  // The monotonic clock's timer does not keep a process alive whose server is closed.
  if (how?.delayMs) await monotonicClock.sleep(how.delayMs);
  if (how?.status) throw new ServiceError(how.status, 'as asked by the test');
  if (how?.reset) request.socket.destroy();
  else if (how?.hang === 'body') response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  else if (how?.body !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(how.body);
  else return how?.hang === 'answer';
  return true;
}

/**
 * Reads the body to its end even above the limit, without storing it, so that the client gets the error answer and not
 * a reset connection.
 */
async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= MAX_BODY_BYTES) parts.push(part);
  }
  if (size > MAX_BODY_BYTES) throw new ServiceError(413, `The body is over ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(parts).toString('utf8');
}

/**
 * Sends an error. A container answers with its own status; the service wraps a container's error in a ModelError (424).
 */
function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const message = error instanceof Error ? error.message : 'failed';
  const original = error instanceof ContainerError ? error.status : undefined;
  const wrapped = original !== undefined && endpointOf(request) !== undefined;
  const status = wrapped ? 424 : (original ?? (error instanceof ServiceError ? error.status : 500));
  const type = errorTypes[status] ?? 'ValidationError';
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
  response.end(
    JSON.stringify({ Message: message, ...(wrapped && { OriginalStatusCode: original, OriginalMessage: message }) }),
  );
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
