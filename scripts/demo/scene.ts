import { SingleBar } from 'cli-progress';

/** Options of the command line. `scripts/demo/<capability>.ts` exports `demo`, a function that takes them. */
export interface DemoArguments {
  /** fraud: number of customers. */
  customers: number;
  /** fraud: number of days of payments. */
  days: number;
}

/** The demo of one capability. It makes calls, prints their results, and returns one line for the summary. */
export interface Demo {
  name: string;
  /** The heading of the demo. */
  says: string;
  /** Approximate duration in seconds. */
  seconds: number;
  /**
   * Runs the demo.
   * @returns one line for the summary.
   * @throws DemoError if Longwatch answers otherwise than expected.
   */
  run(scene: Scene): Promise<string>;
}

/** The Longwatch that the demo calls. */
export interface SceneSettings {
  url: string;
  key: string;
  /** Address of the Web UI, for links. */
  ui: string;
  /** Temporal's namespace, for links. */
  namespace: string;
}

/** An answer of the API. */
export interface Answer {
  status: number;
  // The fields of an answer depend on the route, so each demo knows them.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
  headers: Headers;
}

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** `none` sends no API key, like a browser that has only its cookie. Default: the demo's key. */
  as?: 'none';
  /** Expected statuses; any other status stops the demo. Default: 200 to 299. */
  expect?: readonly number[];
}

/** The demo cannot continue. The message says why. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Width of the printed method and path, in characters. */
const FIRST_COLUMN = 58;

/**
 * Makes the calls of a demo to a running Longwatch and prints their results. `run` is an id that makes the demo's
 * users, products and boards unique to this run.
 */
export class Scene {
  readonly run = Date.now().toString(36);

  constructor(private readonly settings: SceneSettings) {}

  /** Prints a sentence about the next step. */
  say(text: string): void {
    console.log(`\n  ${text}`);
  }

  /** Makes a call and prints it with its status and the text that `what` returns for the answer. */
  async show(method: string, path: string, options: CallOptions, what: (answer: Answer) => string): Promise<Answer> {
    const answer = await this.call(method, path, options);
    console.log(`    ${`${method} ${path}`.padEnd(FIRST_COLUMN)} ${answer.status}  ${what(answer)}`);
    return answer;
  }

  /**
   * Makes a call without printing it. After 429 or 503 it sends the same request again, up to 5 times: every call is
   * idempotent by its id.
   * @throws DemoError for a status that is not expected.
   */
  async call(method: string, path: string, { body, headers = {}, as, expect }: CallOptions = {}): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${this.settings.url}${path}`, {
        method,
        headers: {
          ...(as !== 'none' && { authorization: `Bearer ${this.settings.key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if ([429, 503].includes(response.status) && !expect?.includes(response.status) && attempt < 6) {
        await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
        continue;
      }
      const fine = expect ? expect.includes(response.status) : response.ok;
      if (!fine) throw new DemoError(`${method} ${path} answered ${response.status}: ${text}`);
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers };
    }
  }

  /**
   * Repeats a call every 250 ms until `wanted` accepts its answer. Shows a progress bar if that takes longer than about
   * two seconds.
   * @throws DemoError after `atMostSeconds`.
   */
  async until(
    what: string,
    ask: () => Promise<Answer>,
    wanted: (answer: Answer) => boolean,
    { aboutSeconds, atMostSeconds = 120 }: { aboutSeconds: number; atMostSeconds?: number },
  ): Promise<Answer> {
    const started = Date.now();
    const seconds = () => (Date.now() - started) / 1_000;
    const bar =
      aboutSeconds > 2 ? progress(`    ${what} {bar} {duration_formatted} of about ${aboutSeconds} s`) : undefined;
    bar?.start(aboutSeconds, 0);
    try {
      for (;;) {
        const answer = await ask();
        bar?.update(Math.min(aboutSeconds * 0.97, seconds()));
        if (wanted(answer)) {
          bar?.update(aboutSeconds);
          return answer;
        }
        if (seconds() > atMostSeconds)
          throw new DemoError(`Timeout after ${atMostSeconds} s while waiting for: ${what}. Is a worker running?`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    } finally {
      bar?.stop();
      if (!bar) console.log(`    ${what}, after ${seconds().toFixed(1)} s`);
    }
  }

  /** Processes the items with a progress bar, `atOnce` of them concurrently. */
  async each<T>(
    what: string,
    items: readonly T[],
    work: (item: T, i: number) => Promise<void>,
    atOnce = 4,
  ): Promise<void> {
    const bar = progress(`    ${what} {bar} {value} of {total}`);
    bar.start(items.length, 0);
    let next = 0;
    const lane = async () => {
      for (let i = next++; i < items.length; i = next++) {
        await work(items[i] as T, i);
        bar.increment();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane)).finally(() => bar.stop());
  }

  /** Returns the address of a workflow's page in the Web UI. */
  link(workflowId: string): string {
    return `${this.settings.ui}/namespaces/${this.settings.namespace}/workflows/${encodeURIComponent(workflowId)}`;
  }

  /** Prints the link to a workflow's page in the Web UI, with a description. */
  look(what: string, workflowId: string): void {
    console.log(`    ${what}\n      ${this.link(workflowId)}`);
  }
}

function progress(format: string): SingleBar {
  return new SingleBar({ format, hideCursor: true, noTTYOutput: true, notTTYSchedule: 5_000, barsize: 24 });
}
