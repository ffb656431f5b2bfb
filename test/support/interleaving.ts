import type { Db } from '../../src/stores/dynamodb';

/** What becomes of a call: done; done, but its answer lost; not even done. A process that dies sees the latter two. */
export type Fate = 'done' | 'answer-lost' | 'lost';

interface Waiting {
  /** Not before so many others were picked. */
  from: number;
  go(fate: Fate): Promise<void>;
}

/** What a call fails with whose answer is lost. */
export class Lost extends Error {
  override readonly name = 'Lost';
}

/**
 * Makes the calls of several pieces of work to DynamoDB happen one at a time, in an order that a test chooses: whoever
 * would call waits until it is picked.
 */
export class Interleaving {
  private readonly waiting: Waiting[] = [];
  private picked = 0;

  /** @param hold for how many picks a call is held back; most go as chance has it, some when all else is long over. */
  constructor(
    private readonly db: Db,
    private readonly hold: () => number,
  ) {}

  /** A database of which every call waits to be picked. */
  gated(): Db {
    const send = this.db.client.send.bind(this.db.client) as (...args: unknown[]) => Promise<unknown>;
    const client = {
      send: (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          this.waiting.push({
            from: this.picked + this.hold(),
            async go(fate) {
              if (fate === 'lost') return reject(new Lost('never arrived'));
              try {
                const answer = await send(...args);
                if (fate === 'answer-lost') reject(new Lost('no answer'));
                else resolve(answer);
              } catch (error) {
                reject(error as Error);
              }
            },
          });
        }),
    };
    return { ...this.db, client: client as unknown as Db['client'] };
  }

  /** Waits to be picked so many times, and does nothing. */
  async pause(times: number): Promise<void> {
    for (let i = 0; i < times; i++)
      await new Promise<void>((resolve) => this.waiting.push({ from: 0, go: async () => resolve() }));
  }

  /**
   * Lets calls happen until the work is over.
   * @param pick chooses one of the calls that wait, and its fate.
   * @param afterEach runs after each call: looks at what is stored by then, or does something between two calls.
   */
  async until(
    work: Promise<unknown>,
    pick: (waiting: number) => { index: number; fate: Fate },
    afterEach: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    let over = false;
    void work.then(
      () => (over = true),
      () => (over = true),
    );
    for (;;) {
      await settled();
      const waiting = this.waiting.length;
      if (over && waiting === 0) return void (await work);
      // Work that pauses, to try again, comes back by itself.
      if (waiting === 0) continue;
      const ready = this.waiting.filter(({ from }) => from <= this.picked);
      const { index, fate } = pick(ready.length || waiting);
      const one = (ready.length > 0 ? ready : this.waiting)[index]!;
      this.waiting.splice(this.waiting.indexOf(one), 1);
      this.picked++;
      await one.go(fate);
      await afterEach();
    }
  }
}

/** Whatever can go on without a call has done so. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
