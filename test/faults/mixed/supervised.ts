import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../../../src/local/child';

/** As long as systemd waits at the least, and then some. */
const RESTART_MS = 1_000;
const MAX_TRIES = 3;

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
    // Race: two kills wait for the same start. The second would start another process beside the one that the first
    // starts.
    if (!child || child.hasEnded() || this.killedPid === child.pid) return;
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

  /** A part that is started while the machine is busy may take too long; a process manager tries again. */
  private async launched(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.launchOnce();
      } catch (error) {
        if (tries === MAX_TRIES || this.stopping) throw error;
        await sleep(RESTART_MS);
      }
    }
  }

  private async launchOnce(): Promise<void> {
    const launching: Promise<unknown> = this.launch((child) => {
      this.child = child;
      void child.ended.then(async (how) => {
        // One that did not come up is told of by who waits for it.
        const cameUp = await launching.then(
          () => true,
          () => false,
        );
        if (this.stopping || !cameUp || this.killedPid === child.pid) return;
        this.endedByItself.push(`${how}. Its last lines:\n${child.lastLines()}`);
        await sleep(RESTART_MS);
        if (!this.stopping) await this.start();
      });
    });
    await launching;
  }
}
