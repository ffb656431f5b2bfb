import {
  connect,
  constants,
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates';

export interface TemporalGate {
  /** localhost:port. */
  address: string;
  /** Calls that were let through. */
  passed: number;
  /** Calls by these paths are nobody's here. */
  forbidden?: RegExp;
  /** So many calls by these paths get no answer at all. */
  unanswered?: { path: RegExp; times: number };
  close(): Promise<void>;
}

/**
 * In front of a Temporal that has neither: TLS that asks for a client's certificate, and an API key, as Temporal Cloud
 * does.
 */
export async function startTemporalGate(
  target: string,
  { authority, server: its }: { authority: Certificate; server: Certificate },
  apiKey: string,
): Promise<TemporalGate> {
  const far = connect(`http://${target}`);
  far.on('error', () => undefined);
  const sessions = new Set<Http2Session>();
  const server = createSecureServer({
    key: its.key,
    cert: its.cert,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const gate: TemporalGate = {
    address: '',
    passed: 0,
    async close() {
      sessions.forEach((session) => session.destroy());
      far.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    if (headers.authorization !== `Bearer ${apiKey}`)
      return void stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16', 'grpc-message': 'unauthenticated' },
        { endStream: true },
      );
    if (gate.forbidden?.test(String(headers[':path'])))
      return void stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '7', 'grpc-message': 'not for you' },
        { endStream: true },
      );
    if (gate.unanswered?.path.test(String(headers[':path'])) && gate.unanswered.times-- > 0)
      return void stream.on('error', () => undefined);
    gate.passed++;
    pass(stream, headers);
  });
  function pass(
    stream: ServerHttp2Stream,
    { ':method': method, ':path': path, ':scheme': _scheme, ':authority': _authority, ...rest }: IncomingHttpHeaders,
  ): void {
    const upstream = far.request({ ...rest, ':method': method, ':path': path } as OutgoingHttpHeaders, {
      endStream: false,
    });
    let trailers: OutgoingHttpHeaders = {};
    upstream.on('response', ({ ':status': status, ...answer }, flags) => {
      if (stream.destroyed) return;
      const isOver = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(
        { ...answer, ':status': status } as OutgoingHttpHeaders,
        isOver ? { endStream: true } : { waitForTrailers: true },
      );
      if (!isOver) upstream.pipe(stream);
    });
    upstream.on('trailers', (found) => (trailers = found as OutgoingHttpHeaders));
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('error', () => upstream.close(constants.NGHTTP2_CANCEL));
    stream.on('aborted', () => upstream.close(constants.NGHTTP2_CANCEL));
    upstream.on('error', () => stream.destroy());
    stream.pipe(upstream);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  gate.address = `localhost:${(server.address() as AddressInfo).port}`;
  return gate;
}
