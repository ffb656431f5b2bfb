import type { Response } from 'express';
import { Problem } from '../http/problem';
import type { Reply } from '../http/router';

/** A server-sent event. */
export interface SentEvent {
  id: string;
  data: string;
}

/** The events of a stream: those that already happened, then new ones. */
export interface EventSource {
  /** Returns the events to send first, oldest first. */
  before(): readonly SentEvent[];
  /** Calls the listener for each new event. @returns a function that stops this. */
  listen(listener: (event: SentEvent) => void): () => void;
}

/** Maximum number of open event streams in a process. */
const MAX_STREAMS = 50;
/** A stream ends after this time. Its reader reconnects, and its token is verified again. */
const LIFE_MS = 10 * 60_000;
/** Interval of the comment lines that keep proxies from closing a quiet stream. */
const BEAT_MS = 15_000;
/**
 * A reader with more unsent bytes than this is disconnected. It may reconnect and continue after the last event that it
 * received.
 */
const MAX_BEHIND = 256 * 1024;

/**
 * The open event streams of this process. Their number, age and buffers are bounded, and `endAll` ends them when the
 * process stops.
 */
export class EventStreams {
  private readonly open = new Set<() => void>();
  private closed = false;

  constructor(private readonly limits: { streams?: number; lifeMs?: number } = {}) {}

  /** Number of open streams. */
  get count(): number {
    return this.open.size;
  }

  /** @throws Problem 503 if the maximum number of streams is open, or the process stops. */
  admit(): void {
    if (this.closed || this.open.size >= (this.limits.streams ?? MAX_STREAMS))
      throw new Problem(503, 'Too many event streams are open. Poll /v1/overview instead', {
        headers: { 'retry-after': '30' },
      });
  }

  /** Writes the source's events to a response until the reader disconnects or the stream's lifetime ends. */
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

  /** Ends all streams and admits no more, so that a stopping server does not wait for them. */
  endAll(): void {
    this.closed = true;
    for (const end of this.open) end();
  }
}

/**
 * Returns a reply that streams server-sent events (WHATWG HTML, section 9.2).
 * @throws Problem 503 if too many are open.
 */
export function eventStream(streams: EventStreams, source: EventSource): Reply {
  streams.admit();
  return {
    status: 200,
    // Tells buffering proxies (nginx) to pass events on at once.
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
    stream: (response) => streams.serve(response, source),
  };
}
