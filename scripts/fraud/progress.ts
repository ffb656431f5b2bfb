import { SingleBar } from 'cli-progress';

/** A progress bar on stderr, so that stdout can be piped. */
export class Bar {
  private readonly bar: SingleBar;

  constructor(what: string) {
    this.bar = new SingleBar({
      format: `${what} {bar} {percentage} % | {duration_formatted}`,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: 10_000,
      stream: process.stderr,
      barsize: 30,
    });
    this.bar.start(100, 0);
  }

  readonly show = (share: number): void => this.bar.update(Math.floor(share * 100));

  /** Completes the bar and stops it. */
  done(): void {
    this.bar.update(100);
    this.bar.stop();
  }

  /** Stops the bar without completing it, after a failure. */
  stop(): void {
    this.bar.stop();
  }
}

/** Runs work with a progress bar, which completes if the work succeeds. `show` takes the completed share, 0 to 1. */
export async function withBar<T>(what: string, work: (show: (share: number) => void) => Promise<T>): Promise<T> {
  const bar = new Bar(what);
  try {
    const result = await work(bar.show);
    bar.done();
    return result;
  } catch (error) {
    bar.stop();
    throw error;
  }
}
