import { SingleBar } from 'cli-progress';

/** A bar on stderr, so that what a command prints can be piped on. */
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

  done(): void {
    this.bar.update(100);
    this.bar.stop();
  }

  /** Leaves the bar where it stands: something failed. */
  stop(): void {
    this.bar.stop();
  }
}

/** Runs work with a bar that ends as the work does. */
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
