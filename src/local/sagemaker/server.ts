import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { approximateContributions, exactContributions } from '../../domain/fraud/contributions';
import { featureNames } from '../../domain/fraud/features';
import { type BoostedTrees, parseModel, score } from '../../domain/fraud/xgboost';

/** How the endpoint misbehaves, for tests of what depends on it. */
export interface Misbehaviour {
  /** Milliseconds before anything is answered. */
  delayMs?: number;
  /** Answer with this status and SageMaker's error of that status. */
  status?: 424 | 429 | 500 | 503 | 530;
  /** Answer 200 with a body that holds no scores. */
  garbage?: boolean;
  /** Cut the connection without an answer. */
  reset?: boolean;
}

export interface EndpointServerSettings {
  modelPath: string;
  host: string;
  port: number;
  endpointName: string;
  behaviour?: () => Misbehaviour | undefined;
}

/** Limits of the service: "InvokeEndpoint", SageMaker API reference. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;

const errors: Record<number, string> = {
  400: 'ValidationError',
  413: 'ValidationError',
  424: 'ModelError',
  429: 'ModelNotReadyException',
  500: 'InternalFailure',
  503: 'ServiceUnavailable',
  530: 'InternalDependencyException',
};

class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Serves an XGBoost JSON model as SageMaker's runtime does (`/endpoints/<name>/invocations`) and as a
 * bring-your-own container must (`/ping`, `/invocations`). Rows come as CSV without header (an empty cell is
 * a missing value) or as JSON; scores go back as CSV or JSON. With the custom attribute `explain=approximate`
 * or `explain=exact` a JSON answer also carries each feature's contribution, in log-odds.
 */
export async function startEndpointServer(settings: EndpointServerSettings): Promise<{ url: string; close(): Promise<void> }> {
  const model = parseModel(JSON.parse(await readFile(settings.modelPath, 'utf8')), featureNames);
  const version = await modelVersion(settings.modelPath);
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    answer(settings, model, version, request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 500;
      sendError(response, status, error instanceof Error ? error.message : 'failed');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://${settings.host}:${port}`, close: () => close(server) };
}

/** The version that the model's card states, else that of an unnamed model. */
async function modelVersion(modelPath: string): Promise<string> {
  try {
    const card = JSON.parse(await readFile(modelPath.replace(/\.json$/, '.card.json'), 'utf8')) as { version: string };
    return card.version;
  } catch {
    return 'unversioned'; // A model without a card is served all the same.
  }
}

async function answer(
  settings: EndpointServerSettings,
  model: BoostedTrees,
  version: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET' && request.url === '/ping') {
    response.writeHead(200).end();
    return;
  }
  const invoked = /^\/endpoints\/([^/]+)\/invocations$/.exec(request.url ?? '')?.[1];
  if (request.method !== 'POST' || (invoked === undefined && request.url !== '/invocations'))
    throw new Refusal(404, `${request.method} ${request.url} is not served here`);
  const body = await readBody(request);
  const misbehaviour = settings.behaviour?.();
  if (misbehaviour?.delayMs) await sleep(misbehaviour.delayMs);
  if (misbehaviour?.reset) return void request.socket.destroy();
  if (misbehaviour?.status) throw new Refusal(misbehaviour.status, 'as asked by the test');
  if (misbehaviour?.garbage) return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"predictions":"?"}');
  if (invoked !== undefined && invoked !== settings.endpointName)
    throw new Refusal(400, `Endpoint ${invoked} of account 000000000000 not found.`);
  const rows = parseRows(body, request.headers['content-type'] ?? 'text/csv', model.featureNames.length);
  const explain = /explain=(approximate|exact)/.exec(String(request.headers['x-amzn-sagemaker-custom-attributes'] ?? ''))?.[1];
  const predictions = rows.map((row) => predict(model, row, explain));
  const json = String(request.headers.accept ?? '').includes('json');
  response.writeHead(200, {
    'content-type': json ? 'application/json' : 'text/csv; charset=utf-8',
    'x-amzn-invoked-production-variant': 'AllTraffic',
    'x-amzn-sagemaker-custom-attributes': `model=${version}`,
  });
  response.end(json ? JSON.stringify({ predictions }) : `${predictions.map(({ score: s }) => s).join('\n')}\n`);
}

function predict(model: BoostedTrees, row: number[], explain: string | undefined) {
  if (!explain) return { score: score(model, row) };
  const { bias, byFeature } = explain === 'exact' ? exactContributions(model, row) : approximateContributions(model, row);
  return { score: score(model, row), bias, contributions: byFeature.map((value) => Math.round(value * 1e6) / 1e6) };
}

function parseRows(body: string, contentType: string, width: number): number[][] {
  let rows: unknown[][];
  if (contentType.startsWith('text/csv'))
    rows = body.trim().split('\n').map((line) => line.split(',').map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell))));
  else if (contentType.startsWith('application/json')) rows = jsonRows(body);
  else throw new Refusal(424, `Content type ${contentType} is not one of text/csv and application/json`);
  for (const [i, row] of rows.entries())
    if (row.length !== width) throw new Refusal(424, `Row ${i} has ${row.length} columns; the model has ${width} features`);
  return rows.map((row) => row.map((cell) => (cell === null ? Number.NaN : Number(cell))));
}

function jsonRows(body: string): unknown[][] {
  try {
    const { instances } = JSON.parse(body) as { instances: { features: unknown[] }[] };
    return instances.map(({ features }) => features);
  } catch {
    throw new Refusal(424, 'The body is not {"instances":[{"features":[…]}]}');
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Refusal(413, `The body is over ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sendError(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy();
  const type = errors[status] ?? 'ValidationError';
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
  response.end(JSON.stringify({ ErrorCode: type, Message: message, OriginalMessage: message }));
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
