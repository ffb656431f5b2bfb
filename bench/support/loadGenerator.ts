import { type LeanAnswer, LeanHttp } from './leanHttp';
import { Payments } from './payments';

/** One phase of load, told to the generator's process. */
export interface Phase {
  url: string;
  key: string;
  /**
   * Sent by turns, each with an id of its own in place of `#ID#`. Without: payments of a population, each sent once,
   * whatever the phase.
   */
  bodies?: readonly string[];
  seconds: number;
  /**
   * Open loop: requests a second, at random instants (a Poisson process), whether or not earlier ones were answered.
   */
  rate?: number;
  /** Closed loop: requests in flight; a client that is refused waits as `Retry-After` says. */
  inFlight?: number;
  /** Makes ids unlike those of other phases. */
  name: string;
}

export interface PhaseResult {
  sent: number;
  seconds: number;
  /** Answers by status; `error` where there was none. */
  byStatus: Record<string, number>;
  /**
   * Milliseconds of those that were accepted, from the instant at which each was due; beside each, when it was due, in
   * milliseconds since the phase began.
   */
  accepted: [due: number, ms: number][];
  /** Milliseconds of those that the door refused. */
  shed: number[];
  /** Milliseconds of those among them that were refused after they had waited at the door. */
  late: number[];
  /** When all those were due. */
  shedAt: number[];
  /** Refused requests by the seconds in their `Retry-After`. */
  retryAfter: Record<string, number>;
}

/** As a load balancer's, opened before anything is measured; beyond it a request waits here, which counts. */
const CONNECTIONS = 256;
/** Clients by key, so that one that floods takes no connections of another. */
const clients = new Map<string, LeanHttp>();
const CLIENT_ERROR_PAUSE_MS = 100;
/**
 * One source for all phases: a user whose payments came twice would soon be suspected, and suspicion costs more work.
 */
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
  /** @returns milliseconds to wait before the next. */
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
      // Behind: let answers in now and then, or they would look slower than they are.
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
