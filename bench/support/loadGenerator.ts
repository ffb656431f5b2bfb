import { LeanHttp } from './leanHttp';

/** One phase of load, told to the generator's process. */
export interface Phase {
  url: string;
  key: string;
  /** Sent by turns; each with an id of its own in place of `#ID#`. */
  bodies: readonly string[];
  seconds: number;
  /** Open loop: requests a second, at random instants (a Poisson process), whether or not earlier ones were answered. */
  rate?: number;
  /** Closed loop: requests in flight; whoever is turned away waits a moment, as a client should. */
  inFlight?: number;
  /** Makes ids unlike those of other phases. */
  name: string;
}

export interface PhaseResult {
  sent: number;
  seconds: number;
  /** Answers by status; `error` where there was none. */
  byStatus: Record<string, number>;
  /** Milliseconds of those that were accepted, from the instant at which each was due; beside each, when it was due, in milliseconds since the phase began. */
  accepted: [due: number, ms: number][];
  /** Milliseconds of those that were turned away. */
  shed: number[];
  /** When those were due that were turned away. */
  shedAt: number[];
  /** Whether every request turned away told when to come back. */
  retryAfter: boolean;
}

/** As a load balancer's, opened before anything is measured; beyond it a request waits here, which counts. */
const CONNECTIONS = 256;
let http: LeanHttp | undefined;

const BACK_OFF_MS = 20;

async function run({ url, key, bodies, seconds, rate, inFlight, name }: Phase): Promise<PhaseResult> {
  const target = new URL(url);
  const client = (http ??= new LeanHttp(target.hostname, Number(target.port), CONNECTIONS));
  const result: PhaseResult = { sent: 0, seconds, byStatus: {}, accepted: [], shed: [], shedAt: [], retryAfter: true };
  await client.connectAll(`GET /healthz HTTP/1.1\r\nhost: ${target.host}\r\n\r\n`);
  const began = performance.now();
  const send = (due: number): Promise<void> => {
    const body = (bodies[result.sent % bodies.length] ?? '').replaceAll('#ID#', `${name}-${result.sent}`);
    result.sent++;
    const taken = (status: string, hasRetryAfter: boolean): void => {
      const ms = performance.now() - due;
      result.byStatus[status] = (result.byStatus[status] ?? 0) + 1;
      if (status.startsWith('2')) result.accepted.push([due - began, ms]);
      else if (status === '503' || status === '429') {
        result.shed.push(ms);
        result.shedAt.push(due - began);
        result.retryAfter &&= hasRetryAfter;
      }
    };
    const head = `POST ${target.pathname} HTTP/1.1\r\nhost: ${target.host}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return new Promise((resolve) => {
      client.send(head + body, ({ status, retryAfter }) => {
        taken(status === 0 ? 'error' : String(status), retryAfter);
        resolve();
      });
    });
  };
  const underWay: Promise<void>[] = [];
  if (rate !== undefined) {
    for (let due = began; due < began + seconds * 1_000; due -= (Math.log(1 - Math.random()) * 1_000) / rate) {
      const pause = due - performance.now();
      if (pause > 1) await new Promise((resolve) => setTimeout(resolve, pause));
      // Behind: let answers in now and then, or they would look slower than they are.
      else if (underWay.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      underWay.push(send(due));
    }
  } else {
    const lane = async (): Promise<void> => {
      while (performance.now() < began + seconds * 1_000) {
        const before = result.shed.length;
        await send(performance.now());
        if (result.shed.length > before) await new Promise((resolve) => setTimeout(resolve, BACK_OFF_MS));
      }
    };
    underWay.push(...Array.from({ length: inFlight ?? 1 }, lane));
  }
  await Promise.all(underWay);
  return { ...result, seconds: (performance.now() - began) / 1_000 };
}

process.on('message', (phase: Phase) => void run(phase).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());
