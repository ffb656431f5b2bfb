import { SingleBar } from 'cli-progress';

/** What the command line chooses; `scripts/demo/<capability>.ts` exports `demo`, a function of it. */
export interface DemoArguments {
  /** fraud: how many customers. */
  customers: number;
  /** fraud: how many days of payments. */
  days: number;
}

/** What a demo of one capability is: it acts, shows what came of it, and says in one line what was seen. */
export interface Demo {
  name: string;
  /** For `--help` and as its heading. */
  says: string;
  /** Seconds that it takes, about. */
  seconds: number;
  /** @returns one line for the summary. */
  run(scene: Scene): Promise<string>;
}

export interface SceneSettings {
  url: string;
  key: string;
  /** The Web UI and its namespace, for links. */
  ui: string;
  namespace: string;
}

export interface Answer {
  status: number;
  // What an answer holds is for the demo to say.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
  headers: Headers;
}

interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** Whose key; `none` for a browser, which has its cookie. Default the demo's. */
  as?: 'none';
  /** Statuses that are no fault; others stop the demo. Default all below 400. */
  expect?: readonly number[];
}

export class DemoError extends Error {
  override readonly name = 'DemoError';
}

const FIRST_COLUMN = 58;

/** Where a demo acts: a running Longwatch, a terminal, and an id that no run before had. */
export class Scene {
  readonly run = Date.now().toString(36);

  constructor(private readonly settings: SceneSettings) {}

  /** A sentence about what comes. */
  say(text: string): void {
    console.log(`\n  ${text}`);
  }

  /** One call, shown with what its answer holds that matters here. */
  async show(method: string, path: string, options: CallOptions, what: (answer: Answer) => string): Promise<Answer> {
    const answer = await this.call(method, path, options);
    console.log(`    ${`${method} ${path}`.padEnd(FIRST_COLUMN)} ${answer.status}  ${what(answer)}`);
    return answer;
  }

  /**
   * One call, not shown. Busy for a moment (429, 503): the same again, since every call of ours is idempotent by its
   * id.
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
   * Asks again until the answer is as wanted; what takes longer than two seconds is shown as it goes. @throws DemoError
   * after `atMostSeconds`.
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
          throw new DemoError(`After ${atMostSeconds} seconds still not: ${what}. Is a worker running?`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    } finally {
      bar?.stop();
      if (!bar) console.log(`    ${what}, after ${seconds().toFixed(1)} s`);
    }
  }

  /** Many calls, some at a time, with a bar. */
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

  /** A page of the Web UI. */
  link(workflowId: string): string {
    return `${this.settings.ui}/namespaces/${this.settings.namespace}/workflows/${encodeURIComponent(workflowId)}`;
  }

  /** A page of the Web UI, with what is to be seen there. */
  look(what: string, workflowId: string): void {
    console.log(`    ${what}\n      ${this.link(workflowId)}`);
  }
}

function progress(format: string): SingleBar {
  return new SingleBar({ format, hideCursor: true, noTTYOutput: true, notTTYSchedule: 5_000, barsize: 24 });
}
