import { childSpan, SpanKind } from './spans';

/** Names of the external services besides DynamoDB. */
export type Gateway =
  'sagemaker' | 'kinesis' | 'dynamodb-streams' | 's3' | 'kms' | 'sns' | 'webhook' | 'smtp' | 'mqtt' | 'temporal';

/**
 * The result of a call. `refused`: a regular negative answer (404, a failed condition, the object already exists).
 * `throttled`: too many calls. `late`: no answer before the timeout. `failed`: the service is unavailable or broken.
 */
export type CallResult = 'ok' | 'refused' | 'throttled' | 'late' | 'failed';

/** A finished call. */
export interface Call {
  gateway: Gateway;
  /** Operation under the service's name: `InvokeEndpoint`, `PutObject`, `POST`. */
  operation: string;
  seconds: number;
  result: CallResult;
}

/** Receives every finished call. */
export type CallWatch = (call: Call) => void;

interface WatchedCall {
  gateway: Gateway;
  operation: string;
  resultOf?: (error: unknown) => CallResult;
}

/** Makes a call, measures it, and records it as a span if a trace is active. Errors pass through. */
export async function watched<T>(
  watch: CallWatch | undefined,
  { gateway, operation, resultOf = resultOfError }: WatchedCall,
  call: () => Promise<T>,
): Promise<T> {
  const started = performance.now();
  const done = (result: CallResult) =>
    watch?.({ gateway, operation, seconds: (performance.now() - started) / 1000, result });
  try {
    const answer = await childSpan(
      `${gateway} ${operation}`,
      {
        kind: SpanKind.CLIENT,
        attributes: { 'rpc.system': gateway, 'rpc.method': operation },
        isFault: (error) => resultOf(error) !== 'refused',
      },
      call,
    );
    done('ok');
    return answer;
  } catch (error) {
    done(resultOf(error));
    throw error;
  }
}

/** Classifies errors of the AWS SDK and of the network. */
export function resultOfError(error: unknown): CallResult {
  const { name, $fault, $metadata } = error as {
    name?: string;
    $fault?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (/Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|SlowDown/.test(name ?? '')) return 'throttled';
  if (/^(AbortError|TimeoutError)$/.test(name ?? '')) return 'late';
  return $fault === 'client' && ($metadata?.httpStatusCode ?? 0) < 500 ? 'refused' : 'failed';
}

/** The part of an AWS client that `watchedClient` uses. */
interface AwsClient {
  middlewareStack: {
    add(
      middleware: (
        next: (args: { input: object }) => Promise<{ output: object }>,
        context: { commandName?: string },
      ) => (args: { input: object }) => Promise<{ output: object }>,
      options: { step: 'initialize'; name: string; override: boolean },
    ): void;
  };
}

/** Measures every call of an AWS client, from its start to its end including the SDK's retries. @returns the client */
export function watchedClient<T>(client: T, gateway: Gateway, watch: CallWatch | undefined): T {
  (client as unknown as AwsClient).middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      (args) =>
        watched(watch, { gateway, operation: commandName.replace(/Command$/, '') }, () => next(args)),
    { step: 'initialize', name: 'longwatchCalls', override: true },
  );
  return client;
}
