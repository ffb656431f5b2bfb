import { childSpan, SpanKind } from './spans';

/** Whom we call, beside DynamoDB. */
export type Gateway =
  'sagemaker' | 'kinesis' | 'dynamodb-streams' | 's3' | 'kms' | 'sns' | 'webhook' | 'smtp' | 'mqtt' | 'temporal';

/**
 * How a call ended. `refused`: the other side said no, as it may (404, a condition, what is there already);
 * `throttled`: too much at once; `late`: no answer in time; `failed`: the other side is away or broken.
 */
export type CallResult = 'ok' | 'refused' | 'throttled' | 'late' | 'failed';

export interface Call {
  gateway: Gateway;
  /** As the service names it: `InvokeEndpoint`, `PutObject`, `POST`. */
  operation: string;
  seconds: number;
  result: CallResult;
}

export type CallWatch = (call: Call) => void;

interface WatchedCall {
  gateway: Gateway;
  operation: string;
  resultOf?: (error: unknown) => CallResult;
}

/** One call: a span where a trace is under way, and one measurement, whatever its end. */
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

/** Of the AWS SDK's errors and of the network's. */
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

/** The part of an AWS client that is wrapped. */
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

/** Watches every call of an AWS client, retries of the SDK included in it. @returns the client. */
export function watchedClient<T>(client: T, gateway: Gateway, watch: CallWatch | undefined): T {
  (client as unknown as AwsClient).middlewareStack.add(
    (next, { commandName = 'unknown' }) =>
      (args) =>
        watched(watch, { gateway, operation: commandName.replace(/Command$/, '') }, () => next(args)),
    { step: 'initialize', name: 'longwatchCalls', override: true },
  );
  return client;
}
