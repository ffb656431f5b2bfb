export interface Progress {
  /** A part is at a stage of its start. */
  stage(part: string, stage: string): void;
  done(part: string, result: string): void;
  /** Nothing more is shown. */
  stop(): void;
}

interface Line {
  stage: string;
  since: number;
  over: boolean;
}

const REFRESH_MS = 200;
const REPEAT_MS = 15_000;

/** Shows how a start goes: live lines with elapsed time on a terminal, plain lines elsewhere. */
export function showProgress(out: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  return out.isTTY ? liveLines(out, now) : plainLines(out, now);
}

const seconds = (from: number, to: number): string => {
  const total = Math.floor((to - from) / 1000);
  return total < 60 ? `${total} s` : `${Math.floor(total / 60)} min ${total % 60} s`;
};

function liveLines(out: NodeJS.WriteStream, now: () => number): Progress {
  const lines = new Map<string, Line>();
  let drawn = 0;
  const draw = () => {
    const width = Math.max(20, (out.columns ?? 80) - 1);
    const text = [...lines].map(([part, { stage, since, over }]) =>
      `${over ? '✓' : '…'} ${part.padEnd(10)} ${stage}${over ? '' : ` (${seconds(since, now())})`}`.slice(0, width),
    );
    out.write(`${drawn > 0 ? `\u001B[${drawn}A` : ''}${text.map((line) => `\u001B[2K${line}\n`).join('')}`);
    drawn = text.length;
  };
  const timer = setInterval(draw, REFRESH_MS);
  timer.unref();
  const set = (part: string, stage: string, over: boolean) =>
    lines.set(part, { stage, since: lines.get(part)?.since ?? now(), over });
  return {
    stage: (part, stage) => void set(part, stage, false),
    done: (part, result) => void set(part, result, true),
    stop() {
      clearInterval(timer);
      draw();
    },
  };
}

function plainLines(out: NodeJS.WriteStream, now: () => number): Progress {
  const begun = now();
  const lines = new Map<string, Line>();
  const write = (part: string, text: string) => out.write(`[${seconds(begun, now())}] ${part}: ${text}\n`);
  const timer = setInterval(() => {
    for (const [part, line] of lines) if (!line.over) write(part, `${line.stage}, for ${seconds(line.since, now())}`);
  }, REPEAT_MS);
  timer.unref();
  return {
    stage(part, stage) {
      lines.set(part, { stage, since: lines.get(part)?.since ?? now(), over: false });
      write(part, stage);
    },
    done(part, result) {
      lines.set(part, { stage: result, since: now(), over: true });
      write(part, result);
    },
    stop: () => clearInterval(timer),
  };
}
