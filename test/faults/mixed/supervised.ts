import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../../src/local/child';

/** As long as systemd waits at the least, and then some. */
const RESTART_MS = 1_000;

/** A process that is started again whenever it ends, as a process manager would. */
export class Supervised {
  /** Ends that were nobody's wish. */
  readonly endedByItself: string[] = [];
  private child: Child | undefined;
  private starting: Promise<void> = Promise.resolve();
  private stopping = false;
  private killedPid: number | undefined;

  constructor(
    readonly name: string,
    /** Starts it, and waits until it serves where others wait for that. `onChild` is told of the process at once. */
    private readonly launch: (onChild: (child: Child) => void) => Promise<unknown>,
  ) {}

  start(): Promise<void> {
    this.starting = this.launched();
    return this.starting;
  }

  /** kill -9 of the whole process group, and a new one after a while. Waits until that one is up. */
  async kill(downMs: number): Promise<void> {
    await this.starting;
    const { child } = this;
    if (!child || child.hasEnded()) return;
    this.killedPid = child.pid;
    process.kill(-child.pid, 'SIGKILL');
    await child.ended;
    await sleep(downMs);
    if (!this.stopping) await this.start();
  }

  /** Waits until it is up, if it is being started. */
  up(): Promise<void> {
    return this.starting;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.starting.catch(() => undefined); // Its fault was told where it was awaited.
    await this.child?.stop();
  }

  lastLines(): string {
    return this.child?.lastLines() ?? '';
  }

  private async launched(): Promise<void> {
    await this.launch((child) => {
      this.child = child;
      void child.ended.then((how) => {
        if (this.stopping || this.killedPid === child.pid) return;
        this.endedByItself.push(`${how}. Its last lines:\n${child.lastLines()}`);
        void sleep(RESTART_MS).then(() => (this.stopping ? undefined : this.start()));
      });
    });
  }
}
