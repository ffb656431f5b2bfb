import { setTimeout as sleep } from 'node:timers/promises';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { MqttClient } from 'mqtt';
import { putRecords } from '../../../src/gateways/streams/kinesisProducer';

export interface Call {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Without our key, as a browser. */
  anonymous?: boolean;
  /** How long the same request is sent again while its answer says that it may be, or there is none; milliseconds. */
  patienceMs?: number;
}

/** What a caller knows of its request. */
export type Told =
  /** 2xx. Where it is uncertain, an earlier attempt had no answer: that one may still be under way. */
  | { kind: 'acknowledged'; status: number; body: Body; headers: Headers; text: string; uncertain: boolean }
  /** 4xx: it did not happen by the last attempt; by an earlier one that was not answered it may have. */
  | { kind: 'refused'; status: number; body: Body; uncertain: boolean }
  /** No answer, or 5xx, for as long as we were patient. */
  | { kind: 'unknown' };

// oxlint-disable-next-line typescript/no-explicit-any -- each capability knows what it asked for
type Body = any;

/** How often what was answered. */
export class Tally {
  acknowledged = 0;
  refused = 0;
  unknown = 0;
  /** Of these, those that were sent again, or waited for, in vain; one that is sent once only may be turned away. */
  abandoned = 0;
  /** Requests sent more than once. */
  repeated = 0;
  /** Answers that no fault excuses: 500 above all. */
  readonly wrong: string[] = [];

  count(kind: Told['kind']): void {
    this[kind]++;
  }
}

export interface Lines {
  /** The API, by a wire that may be cut. */
  url: string;
  key: string;
  kinesis: KinesisClient;
  mqtt: MqttClient;
}

/** One attempt's time; a dropped packet is noticed by nothing else. */
const ATTEMPT_MS = 6_000;
const DEFAULT_PATIENCE_MS = 25_000;
/** Shed by admission control: it certainly had no effect, so it may be sent again. */
const TOO_MANY = 429;
const PUBLISH_MS = 25_000;

/** A client of one capability: asks again as clients do, with the same ids. */
export class Caller {
  readonly tally = new Tally();
  /** The least that it waits for an answer, where a request may be sent again; milliseconds. */
  patienceMs = 0;

  constructor(private readonly lines: Lines) {}

  async send(call: Call): Promise<Told> {
    const { patienceMs = DEFAULT_PATIENCE_MS } = call;
    const until = Date.now() + (patienceMs > 0 ? Math.max(patienceMs, this.patienceMs) : 0);
    let uncertain = false;
    for (let attempt = 1; ; attempt++) {
      if (attempt === 2) this.tally.repeated++;
      const told = await this.attempt(call, uncertain);
      if (told.kind === 'acknowledged' || (told.kind === 'refused' && told.status !== TOO_MANY)) {
        this.tally.count(told.kind);
        return told;
      }
      uncertain ||= told.kind === 'unknown';
      const pause = Math.min(2_000, 100 * 2 ** attempt);
      if (Date.now() + pause >= until) {
        this.tally.count('unknown');
        if (patienceMs > 0) this.tally.abandoned++;
        return { kind: 'unknown' };
      }
      await sleep(pause);
    }
  }

  /** One record. @returns whether the stream took it. */
  async put(stream: string, key: string, data: string | Uint8Array): Promise<boolean> {
    try {
      await putRecords(this.lines.kinesis, stream, [{ key, data: Buffer.from(data) }]);
      this.tally.count('acknowledged');
      return true;
    } catch {
      this.tally.abandoned++;
      this.tally.count('unknown'); // Taken or not: the answer may have been lost.
      return false;
    }
  }

  /** QoS 1. `onTaken` is called when the broker's acknowledgement comes, however late. Waits for it for a while. */
  async publish(topic: string, message: unknown, onTaken: () => void): Promise<void> {
    const taken = this.lines.mqtt.publishAsync(topic, JSON.stringify(message), { qos: 1 }).then(
      () => {
        this.tally.count('acknowledged');
        onTaken();
        return true;
      },
      () => false, // The client was closed first: unknown.
    );
    if (await Promise.race([taken, sleep(Math.max(PUBLISH_MS, this.patienceMs), false)])) return;
    this.tally.count('unknown');
    this.tally.abandoned++;
  }

  private async attempt({ method, path, body, headers, anonymous }: Call, uncertain: boolean): Promise<Told> {
    try {
      const response = await fetch(`${this.lines.url}${path}`, {
        method: method.toUpperCase(),
        headers: {
          ...(!anonymous && { authorization: `Bearer ${this.lines.key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ATTEMPT_MS),
      });
      const text = await response.text();
      if (response.ok)
        return {
          kind: 'acknowledged',
          status: response.status,
          body: json(text),
          headers: response.headers,
          text,
          uncertain,
        };
      if (response.status >= 500) {
        if (response.status !== 503)
          this.tally.wrong.push(`${method.toUpperCase()} ${path}: ${response.status} ${text}`);
        return { kind: 'unknown' };
      }
      return { kind: 'refused', status: response.status, body: json(text), uncertain };
    } catch {
      return { kind: 'unknown' }; // No connection, a cut one, or no answer in time.
    }
  }
}

function json(text: string): Body {
  return text.startsWith('{') ? JSON.parse(text) : undefined;
}
