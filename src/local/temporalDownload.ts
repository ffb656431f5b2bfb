import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Result of one way to get the Temporal CLI: the executable, or why this way failed. */
export type ObtainedServer = { executable: string } | { failed: string };

/** How to download the Temporal CLI. */
export interface DownloadSettings {
  /** An empty folder for the download. */
  work: string;
  /** URL of a gzipped tar that contains `temporal`; `null` if there is none for this platform. */
  url: string | null;
  onStage(stage: string, detail?: string): void;
  signal?: AbortSignal | undefined;
  /**
   * Maximum time until the server's response begins, in milliseconds. Default 5,000: without internet access there is
   * never a response.
   */
  answerWithinMs?: number;
}

const ANSWER_WITHIN_MS = 5_000;
const DONE_WITHIN_MS = 10 * 60_000;

/** Downloads the official archive and unpacks it. */
export async function downloadTemporal({
  work,
  url,
  onStage,
  signal,
  answerWithinMs = ANSWER_WITHIN_MS,
}: DownloadSettings): Promise<ObtainedServer> {
  if (url === null) return { failed: `there is no download for ${process.platform} on ${process.arch}` };
  const { host } = new URL(url);
  onStage('downloading its server', `waiting for ${host}`);
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), answerWithinMs);
  const whole = new AbortController();
  const wholeTimer = setTimeout(() => whole.abort(), DONE_WITHIN_MS);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([patience.signal, whole.signal, ...(signal ? [signal] : [])]),
    });
    clearTimeout(timer);
    if (!response.ok || !response.body) return { failed: `the download from ${host} answered ${response.status}` };
    const size = Number(response.headers.get('content-length') ?? 0);
    await pipeline(
      response.body,
      meter(size, (detail) => onStage('downloading its server', detail)),
      unpack(work),
    );
    return { executable: join(work, 'temporal') };
  } catch (error) {
    signal?.throwIfAborted();
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    const why = patience.signal.aborted
      ? `no answer within ${answerWithinMs / 1000} s`
      : (cause?.code ?? cause?.message ?? message);
    return { failed: `the download from ${host} failed (${why})` };
  } finally {
    clearTimeout(timer);
    clearTimeout(wholeTimer);
  }
}

function meter(size: number, tell: (detail: string) => void): Transform {
  let received = 0;
  const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(0);
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      received += part.length;
      tell(size > 0 ? `${megabytes(received)} of ${megabytes(size)} MB` : `${megabytes(received)} MB`);
      done(null, part);
    },
  });
}

/** Returns a function that unpacks a gzipped tar from a stream. It resolves when the whole archive is unpacked. */
function unpack(folder: string): (source: AsyncIterable<Buffer>) => Promise<void> {
  return async (source) => {
    const tar = spawn('tar', ['-xzf', '-', '-C', folder, 'temporal'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    tar.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const closed = once(tar, 'close') as Promise<[number | null]>; // Rejects if `tar` is not installed.
    const [written, ended] = await Promise.allSettled([pipeline(source, tar.stdin), closed]);
    if (ended.status === 'rejected') throw ended.reason;
    if (ended.value[0] !== 0) throw new Error(`the archive could not be unpacked: ${said.trim().split('\n')[0]}`);
    if (written.status === 'rejected') throw written.reason;
  };
}
