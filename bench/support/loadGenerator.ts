import { type LeanAnswer, LeanHttp } from './leanHttp';
import { Payments } from './payments';

/** One phase of load; a message to the generator's process. */
export interface Phase {
  url: string;
  key: string;
  /**
   * Bodies to send in turn, each with a new id in place of `#ID#`. Default: simulated payments, each of which is sent
   * once across all phases.
   */
  bodies?: readonly string[];
  seconds: number;
  /** Open loop: requests per second at random instants (a Poisson process), independently of earlier answers. */
  rate?: number;
  /** Closed loop: requests in flight. A client whose request is shed waits for the time in `Retry-After`. */
  inFlight?: number;
  /** Makes the ids of this phase unique. */
  name: string;
}

/** The answers of a phase. */
export interface PhaseResult {
  sent: number;
  seconds: number;
  /** Answers by status; `error` counts requests without an answer. */
  byStatus: Record<string, number>;
  /**
   * For each accepted request: the time when it was due, in milliseconds since the start of the phase, and the
   * milliseconds from then until its answer.
   */
  accepted: [due: number, ms: number][];
  /** Milliseconds until the answer of each shed request. */
  shed: number[];
  /** The same for those that were shed after waiting in the admission queue. */
  late: number[];
  /** The time when each shed request was due. */
  shedAt: number[];
  /** Number of shed requests by the seconds in `Retry-After`. */
  retryAfter: Record<string, number>;
}

/**
 * Maximum number of connections, as of a load balancer, opened before the measurement. A request without a free
 * connection waits here, and its waiting time counts.
 */
const CONNECTIONS = 256;
/** Clients by API key, so that a flood of one caller does not use the connections of another. */
const clients = new Map<string, LeanHttp>();
const CLIENT_ERROR_PAUSE_MS = 100;
/** One source for all phases: repeated payments would raise suspicion, and a suspicious payment costs more work. */
const payments = new Payments();

async function run({ url, key, bodies, seconds, rate, inFlight, name }: Phase): Promise<PhaseResult> {
  const target = new URL(url);
  const connections = inFlight ?? CONNECTIONS;
  const of = `${target.host} ${key} ${target.pathname} ${connections}`;
  const client = clients.get(of) ?? new LeanHttp(target.hostname, Number(target.port), connections);
  clients.set(of, client);
  const result: PhaseResult = {
    sent: 0,
    seconds,
    byStatus: {},
    accepted: [],
    shed: [],
    late: [],
    shedAt: [],
    retryAfter: {},
  };
  await client.connectAll(`GET /healthz HTTP/1.1\r\nhost: ${target.host}\r\n\r\n`);
  const began = performance.now();
  /** Sends a request. @returns milliseconds to wait before the next one. */
  const send = (due: number): Promise<number> => {
    const body = bodies
      ? (bodies[result.sent % bodies.length] ?? '').replaceAll('#ID#', `${name}-${result.sent}`)
      : payments.next().body;
    result.sent++;
    const taken = (status: string, { retryAfter, isOverloaded, hasWaited }: LeanAnswer): number => {
      const ms = performance.now() - due;
      result.byStatus[status] = (result.byStatus[status] ?? 0) + 1;
      if (status.startsWith('2')) result.accepted.push([due - began, ms]);
      else if (isOverloaded) {
        result.shed.push(ms);
        if (hasWaited) result.late.push(ms);
        result.shedAt.push(due - began);
        result.retryAfter[String(retryAfter)] = (result.retryAfter[String(retryAfter)] ?? 0) + 1;
      }
      return status.startsWith('2') ? 0 : retryAfter === undefined ? CLIENT_ERROR_PAUSE_MS : retryAfter * 1_000;
    };
    const head =
      `POST ${target.pathname} HTTP/1.1\r\nhost: ${target.host}\r\nauthorization: Bearer ${key}\r\ncontent-type: ` +
      `application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return new Promise((resolve) => {
      client.send(head + body, (answer) =>
        resolve(taken(answer.status === 0 ? 'error' : String(answer.status), answer)),
      );
    });
  };
  const underWay: Promise<unknown>[] = [];
  if (rate !== undefined) {
    for (let due = began; due < began + seconds * 1_000; due -= (Math.log(1 - Math.random()) * 1_000) / rate) {
      const pause = due - performance.now();
      if (pause > 1) await new Promise((resolve) => setTimeout(resolve, pause));
      // The generator is behind schedule: yield regularly so that it reads answers, or they would appear slower than
      // they are.
      else if (underWay.length % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      underWay.push(send(due));
    }
  } else {
    const lane = async (): Promise<void> => {
      while (performance.now() < began + seconds * 1_000) {
        const pause = await send(performance.now());
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    underWay.push(...Array.from({ length: inFlight ?? 1 }, lane));
  }
  await Promise.all(underWay);
  return { ...result, seconds: (performance.now() - began) / 1_000 };
}

process.on('message', (phase: Phase) => void run(phase).then((result) => process.send?.({ name: phase.name, result })));
process.on('disconnect', () => process.exit());
