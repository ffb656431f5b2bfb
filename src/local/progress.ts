import { type Clock, systemClock } from '../timing/clock';
/** Shows the progress of a start. */
export interface Progress {
  /**
   * Shows the current stage of a part's start. `detail` may change often: it shows how far the stage is. The elapsed
   * time shown is that of the part.
   */
  stage(part: string, stage: string, detail?: string): void;
  /** Shows that a part has started. */
  done(part: string, result: string): void;
  /** Stops showing progress. */
  stop(): void;
  /** Returns the part that took longest from its first stage to its end, in milliseconds. */
  longest(): { part: string; ms: number } | undefined;
}

/** Shows the lines. */
type Lines = Omit<Progress, 'longest'>;

interface Line {
  stage: string;
  detail?: string | undefined;
  since: number;
  over: boolean;
}

/** The output; `process.stdout` is one. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Clock and intervals, in milliseconds. */
export interface ProgressSettings {
  clock?: Clock;
  /** Interval between two updates on a terminal. Default 200 ms. */
  refreshMs?: number;
  /** Interval between two lines about the same stage without a terminal. Default 10 s. */
  repeatMs?: number;
}

/** Shows the progress of a start: live lines with elapsed time on a terminal, plain lines elsewhere. */
export function showProgress(out: Screen, settings: ProgressSettings = {}): Progress {
  const { clock = systemClock, refreshMs = 200, repeatMs = 10_000 } = settings;
  const live = out.isTTY === true && process.env['TERM'] !== 'dumb';
  const lines = live ? liveLines(out, clock, refreshMs) : plainLines(out, clock, repeatMs);
  const begun = new Map<string, number>();
  let longest: ReturnType<Progress['longest']>;
  return {
    stage(part, stage, detail) {
      if (!begun.has(part)) begun.set(part, clock.now());
      lines.stage(part, stage, detail);
    },
    done(part, result) {
      const ms = clock.now() - (begun.get(part) ?? clock.now());
      if (ms > (longest?.ms ?? 0)) longest = { part, ms };
      lines.done(part, result);
    },
    stop: () => lines.stop(),
    longest: () => longest,
  };
}

const elapsed = (from: number, to: number): string => {
  const total = Math.floor((to - from) / 1000);
  return total < 60 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`;
};

const text = ({ stage, detail }: Line): string => (detail ? `${stage}, ${detail}` : stage);

function liveLines(out: Screen, clock: Clock, refreshMs: number): Lines {
  const lines = new Map<string, Line>();
  let drawn = 0;
  let stopped = false;
  const draw = () => {
    // A wrapped line would occupy two rows, and the next update would move up too few.
    const width = Math.max(20, (out.columns ?? 80) - 1);
    const rows = [...lines].map(([part, line]) => {
      const begun = line.over ? `✓ ${part.padEnd(10)} ` : `… ${part.padEnd(10)} ${elapsed(line.since, clock.now())}  `;
      return `${begun}${text(line)}`.slice(0, width);
    });
    out.write(`${drawn > 0 ? `\u001B[${drawn}A` : ''}${rows.map((row) => `\u001B[2K${row}\n`).join('')}`);
    drawn = rows.length;
  };
  const timer = setInterval(draw, refreshMs);
  timer.unref();
  const put = (part: string, line: Omit<Line, 'since'>) =>
    void lines.set(part, { ...line, since: lines.get(part)?.since ?? clock.now() });
  return {
    stage: (part, stage, detail) => put(part, { stage, detail, over: false }),
    done: (part, result) => put(part, { stage: result, over: true }),
    stop() {
      clearInterval(timer);
      if (!stopped) draw(); // Draw only once: after the stop, others write below the lines.
      stopped = true;
    },
  };
}

function plainLines(out: Screen, clock: Clock, repeatMs: number): Lines {
  const begun = clock.now();
  const lines = new Map<string, Line & { toldAt: number }>();
  const write = (part: string, what: string) => out.write(`[${elapsed(begun, clock.now())}] ${part}: ${what}\n`);
  const timer = setInterval(() => {
    for (const [part, line] of lines) {
      if (line.over || clock.now() - line.toldAt < repeatMs) continue;
      write(part, `${text(line)} (${elapsed(line.since, clock.now())} so far)`);
      line.toldAt = clock.now();
    }
  }, repeatMs / 10);
  timer.unref();
  const put = (part: string, line: Omit<Line, 'since'>) => {
    const before = lines.get(part);
    const news = before?.stage !== line.stage || before.over !== line.over;
    if (news) write(part, line.stage);
    lines.set(part, { ...line, since: before?.since ?? clock.now(), toldAt: news ? clock.now() : before.toldAt });
  };
  return {
    stage: (part, stage, detail) => put(part, { stage, detail, over: false }),
    done: (part, result) => put(part, { stage: result, over: true }),
    stop: () => clearInterval(timer),
  };
}
