import { type AwsCredentials, RequestSigner } from './signature';

/** The parts of an SDK client that {@link DirectCalls} uses. */
export interface AwsClient {
  config: unknown;
  middlewareStack: unknown;
}

/** A POST request to the service. */
export interface DirectRequest {
  /** The resource whose calls have the same host and path, as `resourceOf` returns it. */
  resource: string;
  /** Headers of the operation, with names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
  abortSignal?: AbortSignal | undefined;
}

/** An answer, whatever its status. */
export interface DirectAnswer {
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** What the SDK resolved for the calls to one resource with one access key. */
interface Target {
  accessKeyId: string;
  url: { protocol: string; hostname: string; port: number | undefined; path: string };
  host: string;
  userAgent: string;
  signer: RequestSigner;
}

/** The parts of a client's settings that a call uses. */
interface CallSettings {
  credentials(): Promise<AwsCredentials>;
  systemClockOffset?: number;
  requestHandler: {
    handle(
      request: object,
      options: { abortSignal?: AbortSignal | undefined },
    ): Promise<{
      response: { statusCode: number; headers: Record<string, string>; body: { text?(): Promise<string> } };
    }>;
  };
  /** Reads the body of an answer, whatever the handler. */
  streamCollector(body: unknown): Promise<Uint8Array>;
}

/** A signed request, as a middleware of the SDK sees it. */
interface SentRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query: object;
  headers: Readonly<Record<string, string>>;
}

const SCOPE = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/;
const PLAIN_PATH = /^[\w./~-]*$/;

/**
 * Calls an AWS service with what the SDK resolved for an earlier call of the same client: endpoint, region, signing
 * name and user agent. The SDK resolves them anew for each call, in a chain of some ten middlewares, which costs most
 * of the processor time of a call. Credentials still come from the client for each call, so that they rotate as usual.
 */
export class DirectCalls {
  private readonly targets = new Map<string, Target>();
  private readonly settings: CallSettings;

  /** @param resourceOf returns the resource of a command's input: the calls of a resource share host and path */
  constructor(client: AwsClient, resourceOf: (input: object) => string) {
    this.settings = client.config as CallSettings;
    const stack = client.middlewareStack as {
      addRelativeTo(
        middleware: (
          next: (args: object) => Promise<unknown>,
        ) => (args: { input: object; request: SentRequest }) => Promise<unknown>,
        options: { relation: 'after'; toMiddleware: string },
      ): void;
    };
    stack.addRelativeTo(
      (next) => (args) => {
        this.keep(resourceOf(args.input), args.request);
        return next(args);
      },
      // Without a name: with one, a second `DirectCalls` of the same client would take the place of the first.
      { relation: 'after', toMiddleware: 'httpSigningMiddleware' },
    );
  }

  /**
   * Makes one attempt.
   * @returns undefined if the SDK has to make the call: it has not made one yet for this resource with these
   *   credentials, or it signs in another way.
   * @throws the error of the credentials or of the network
   */
  async call({ resource, headers, body, abortSignal }: DirectRequest): Promise<DirectAnswer | undefined> {
    const target = this.targets.get(resource);
    if (!target) return undefined;
    const { settings } = this;
    const credentials = await settings.credentials();
    if (credentials.accessKeyId !== target.accessKeyId) return undefined;
    const { url, host, userAgent, signer } = target;
    const now = Date.now() + (settings.systemClockOffset ?? 0);
    const signed = signer.sign({ host, path: url.path, headers, body }, credentials, now);
    const request = {
      ...url,
      method: 'POST',
      query: undefined,
      headers: { ...signed, host, 'user-agent': userAgent },
      body,
    };
    const { response } = await settings.requestHandler.handle(request, { abortSignal });
    const { statusCode: status, headers: answered, body: content } = response;
    // The bodies of undici have a faster way.
    const text = content.text
      ? await content.text()
      : Buffer.from(await settings.streamCollector(content)).toString('utf8');
    return { status, headers: answered, body: text };
  }

  private keep(resource: string, { protocol, hostname, port, path, query, headers }: SentRequest): void {
    const [, accessKeyId, region, service] = SCOPE.exec(headers['authorization'] ?? '') ?? [];
    if (accessKeyId === undefined || region === undefined || service === undefined) return;
    if (!PLAIN_PATH.test(path) || Object.keys(query).length > 0) return;
    if (this.targets.get(resource)?.accessKeyId === accessKeyId) return;
    this.targets.set(resource, {
      accessKeyId,
      url: { protocol, hostname, port, path },
      host: headers['host'] ?? (port === undefined ? hostname : `${hostname}:${port}`),
      userAgent: headers['user-agent'] ?? '',
      signer: new RequestSigner({ region, service }),
    });
  }
}
