import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { type CallWatch, watched } from '../../telemetry/calls';
import { type DirectAnswer, DirectCalls } from '../aws/directCalls';
import { awsHttp } from '../aws/http';

/** The settings of {@link EndpointCalls}. */
export interface EndpointCallSettings {
  region: string;
  /** Absent: AWS. */
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}

/** One call to a model. */
export interface Invocation {
  endpointName: string;
  customAttributes?: string | undefined;
  /** CSV. */
  body: string;
}

/** The answer of a model: JSON text, and the custom attributes that it set, or an empty text. */
export interface InvocationAnswer {
  body: string;
  customAttributes: string;
}

/** SageMaker itself limits a model to 60 s. */
const SILENT_MS = 60_000;
const CONTENT_TYPE = 'text/csv';
const ACCEPT = 'application/json';

/** The service answered with an error status. */
class EndpointError extends Error {
  readonly $fault: 'client' | 'server';
  readonly $metadata: { httpStatusCode: number };

  constructor({ status, headers }: DirectAnswer) {
    super(`The model's endpoint answered ${status}`);
    this.name = headers['x-amzn-errortype']?.split(':')[0] ?? 'EndpointError';
    this.$fault = status >= 500 ? 'server' : 'client';
    this.$metadata = { httpStatusCode: status };
  }
}

/**
 * Calls the endpoints of models. One attempt per call, because the caller's deadline leaves no time for a retry. After
 * the first call to an endpoint, calls are sent directly (`DirectCalls`).
 */
export class EndpointCalls {
  private readonly client: SageMakerRuntimeClient;
  private readonly direct: DirectCalls;
  private readonly watch: CallWatch | undefined;

  constructor({ watch, ...settings }: EndpointCallSettings) {
    this.watch = watch;
    this.client = new SageMakerRuntimeClient({
      ...settings,
      maxAttempts: 1,
      requestHandler: awsHttp({ silentMs: SILENT_MS }),
    });
    this.direct = new DirectCalls(this.client, (input) => (input as { EndpointName: string }).EndpointName);
  }

  /** Calls a model. @throws the error of the SDK, of the network, or of the service with its `$metadata` */
  invoke(invocation: Invocation, abortSignal: AbortSignal): Promise<InvocationAnswer> {
    return watched(
      this.watch,
      { gateway: 'sagemaker', operation: 'InvokeEndpoint' },
      async () => (await this.invokeDirectly(invocation, abortSignal)) ?? this.invokeBySdk(invocation, abortSignal),
    );
  }

  private async invokeDirectly(
    { endpointName, customAttributes, body }: Invocation,
    abortSignal: AbortSignal,
  ): Promise<InvocationAnswer | undefined> {
    const headers = {
      'content-type': CONTENT_TYPE,
      accept: ACCEPT,
      ...(customAttributes !== undefined && { 'x-amzn-sagemaker-custom-attributes': customAttributes }),
    };
    const answer = await this.direct.call({ resource: endpointName, headers, body, abortSignal });
    if (!answer) return undefined;
    if (answer.status >= 300) throw new EndpointError(answer);
    return { body: answer.body, customAttributes: answer.headers['x-amzn-sagemaker-custom-attributes'] ?? '' };
  }

  private async invokeBySdk(
    { endpointName, customAttributes, body }: Invocation,
    abortSignal: AbortSignal,
  ): Promise<InvocationAnswer> {
    const { Body, CustomAttributes = '' } = await this.client.send(
      new InvokeEndpointCommand({
        EndpointName: endpointName,
        ContentType: CONTENT_TYPE,
        Accept: ACCEPT,
        ...(customAttributes !== undefined && { CustomAttributes: customAttributes }),
        Body: body,
      }),
      { abortSignal },
    );
    return { body: Buffer.from(Body ?? []).toString('utf8'), customAttributes: CustomAttributes };
  }
}
