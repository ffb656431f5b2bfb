import type { Response } from 'express';
import { Problem } from '../http/problem';
import type { Reply } from '../http/routes';

export interface SentEvent {
  id: string;
  data: string;
}

/** What is sent: what there is, then what comes. */
export interface EventSource {
  before(): readonly SentEvent[];
  /** @returns stops listening. */
  listen(listener: (event: SentEvent) => void): () => void;
}

/** Streams that are open at once in a process. */
const MAX_STREAMS = 50;
/** After so long a stream ends and its reader asks again, with a token that is then checked again. */
const LIFE_MS = 10 * 60_000;
/** A comment so often keeps proxies from taking a quiet stream for a dead one. */
const BEAT_MS = 15_000;
/** A reader that is so many bytes behind is cut; it may come back and go on behind the last event that it has. */
const MAX_BEHIND = 256 * 1024;

/** The event streams that a process has open; all of them bounded, and ended before the process stops. */
export class EventStreams {
  private readonly open = new Set<() => void>();
  private closed = false;

  constructor(private readonly limits: { streams?: number; lifeMs?: number } = {}) {}

  get count(): number {
    return this.open.size;
  }

  /** @throws Problem 503 where there are too many. */
  admit(): void {
    if (this.closed || this.open.size >= (this.limits.streams ?? MAX_STREAMS))
      throw new Problem(503, 'Too many event streams are open; ask for /v1/overview now and then instead', {
        headers: { 'retry-after': '30' },
      });
  }

  serve(response: Response, source: EventSource): void {
    const write = (text: string) => {
      response.write(text);
      if (response.writableLength > MAX_BEHIND) response.destroy();
    };
    const send = ({ id, data }: SentEvent) => write(`id: ${id}\ndata: ${data}\n\n`);
    write('retry: 3000\n\n');
    for (const event of source.before()) send(event);
    const silence = source.listen(send);
    const beat = setInterval(() => write(': here\n\n'), BEAT_MS);
    const life = setTimeout(() => response.end(), this.limits.lifeMs ?? LIFE_MS);
    const end = () => void response.end();
    this.open.add(end);
    response.once('close', () => {
      silence();
      clearInterval(beat);
      clearTimeout(life);
      this.open.delete(end);
    });
  }

  /** Ends all, so that a server that stops need not wait for them. */
  endAll(): void {
    this.closed = true;
    for (const end of this.open) end();
  }
}

/** A reply that goes on: server-sent events (WHATWG HTML, 9.2). */
export function eventStream(streams: EventStreams, source: EventSource): Reply {
  streams.admit();
  return {
    status: 200,
    // Proxies that buffer would hold events back.
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
    stream: (response) => streams.serve(response, source),
  };
}
