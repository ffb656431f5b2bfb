/** A file that starts a stack, a Temporal server, a browser or other processes of the product. */
const HEAVY = /\b(startLongwatch|startTestTemporal|startTimeSkipping|startProcess|startApi|keepWorker|launchChromium|deploy)\(/;

/** A heavy file that says so waits for timeouts for most of its time: it runs beside the other heavy ones. */
const IDLE = /^ \* @lane idle$/m;

/** Files of these folders come first, because they take longest: a long file that starts last is waited for alone. */
const FIRST = ['/test/faults/', '/test/e2e/', '/test/fuzz/'];

/** Light files of one turn, while many are left: a turn starts a process, which takes half a second. */
const LIGHT_AT_ONCE = 6;
/** With fewer light files left than this, a turn has one, so that all lanes end together. */
const MANY_LIGHT = 30;

export type Weight = 'light' | 'heavy' | 'idle';
export const weightOf = (source: string): Weight => (IDLE.test(source) ? 'idle' : HEAVY.test(source) ? 'heavy' : 'light');

interface Waiting<T> {
  item: T;
  path: string;
  weight: Weight;
}

export interface Turn<T> {
  items: T[];
  /** To be called when all of it has been done. */
  done(): void;
}

/**
 * Gives out work, idle and heavy work first, but to at most so many at once. Who asks while only such work is left and
 * enough is under way waits for its turn.
 */
export class Turns<T> {
  private readonly left: Record<Weight, T[]>;
  private readonly underWay = { idle: 0, heavy: 0 };
  private readonly asking: ((turn: Turn<T> | undefined) => void)[] = [];

  constructor(
    work: readonly Waiting<T>[],
    private readonly atOnce: { heavy: number; idle: number },
  ) {
    const rank = ({ path }: Waiting<T>) => {
      const at = FIRST.findIndex((folder) => path.includes(folder));
      return at < 0 ? FIRST.length : at;
    };
    const of = (weight: Weight): T[] => work.filter((one) => one.weight === weight).toSorted((x, y) => rank(x) - rank(y)).map(({ item }) => item);
    this.left = { light: of('light'), heavy: of('heavy'), idle: of('idle') };
  }

  /** @returns undefined when nothing is left. */
  next(): Promise<Turn<T> | undefined> {
    return new Promise((resolve) => {
      this.asking.push(resolve);
      this.give();
    });
  }

  private give(): void {
    const { left, underWay, atOnce } = this;
    for (let taker = this.asking[0]; taker; taker = this.asking[0]) {
      const next = (['idle', 'heavy'] as const).find((weight) => left[weight].length > 0 && underWay[weight] < atOnce[weight]);
      if (!next && left.light.length === 0 && left.idle.length + left.heavy.length > 0) return;
      this.asking.shift();
      if (next) {
        underWay[next]++;
        taker({
          items: left[next].splice(0, 1),
          done: () => {
            underWay[next]--;
            this.give();
          },
        });
      } else if (left.light.length > 0) taker({ items: left.light.splice(0, left.light.length > MANY_LIGHT ? LIGHT_AT_ONCE : 1), done: () => undefined });
      else taker(undefined);
    }
  }
}
