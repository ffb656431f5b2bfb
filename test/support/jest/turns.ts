/** A file that starts a stack, a Temporal server, a browser or other processes of the product. */
const HEAVY =
  /\b(startLongwatch|startTestTemporal|startTimeSkipping|startProcess|startApi|keepWorker|launchChromium|deploy)\(/;

/** These come first, because they take or wait longest: a long file that starts last is waited for alone. */
const FIRST = ['/test/faults/', '/test/e2e/', '/test/fuzz/', 'temporalAway', 'refusedCalls', 'transactionStream'];

/** Light files of one turn, while many are left: a turn starts a process, which takes half a second. */
const LIGHT_AT_ONCE = 6;
/** With fewer light files left than this, a turn has one, so that all lanes end together. */
const MANY_LIGHT = 30;

export const isHeavy = (source: string): boolean => HEAVY.test(source);

interface Waiting<T> {
  item: T;
  path: string;
  isHeavy: boolean;
}

export interface Turn<T> {
  items: T[];
  /** To be called when all of it has been done. */
  done(): void;
}

/**
 * Gives out work, heavy work first, but to at most so many at once. Who asks while only heavy work is left and enough
 * is under way waits for its turn.
 */
export class Turns<T> {
  private readonly heavy: T[];
  private readonly light: T[];
  private heavyUnderWay = 0;
  private readonly asking: ((turn: Turn<T> | undefined) => void)[] = [];

  constructor(
    work: readonly Waiting<T>[],
    private readonly heavyAtOnce: number,
  ) {
    const rank = ({ path }: Waiting<T>) => {
      const at = FIRST.findIndex((folder) => path.includes(folder));
      return at < 0 ? FIRST.length : at;
    };
    const ordered = work.toSorted((a, b) => rank(a) - rank(b));
    this.heavy = ordered.filter(({ isHeavy: heavy }) => heavy).map(({ item }) => item);
    this.light = ordered.filter(({ isHeavy: heavy }) => !heavy).map(({ item }) => item);
  }

  /** @returns undefined when nothing is left. */
  next(): Promise<Turn<T> | undefined> {
    return new Promise((resolve) => {
      this.asking.push(resolve);
      this.give();
    });
  }

  private give(): void {
    for (let taker = this.asking[0]; taker; taker = this.asking[0]) {
      const isHeavyNext = this.heavy.length > 0 && this.heavyUnderWay < this.heavyAtOnce;
      if (!isHeavyNext && this.light.length === 0 && this.heavy.length > 0) return;
      this.asking.shift();
      if (isHeavyNext) {
        this.heavyUnderWay++;
        taker({
          items: this.heavy.splice(0, 1),
          done: () => {
            this.heavyUnderWay--;
            this.give();
          },
        });
      } else if (this.light.length > 0)
        taker({
          items: this.light.splice(0, this.light.length > MANY_LIGHT ? LIGHT_AT_ONCE : 1),
          done: () => undefined,
        });
      else taker(undefined);
    }
  }
}
