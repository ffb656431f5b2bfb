import { type Child, startChild } from '../../src/local/child';
import { bindPort, startOnPort, untilServing } from '../../src/local/ports';

export interface ServerOnFreePort {
  /** For messages. */
  name: string;
  command: string;
  args(port: number): readonly string[];
  logFile: string;
}

/**
 * Starts a program that can only be told a port by number, on a free one; again on another one if it is taken
 * meanwhile.
 */
export function startOnFreePort({
  name,
  command,
  args,
  logFile,
}: ServerOnFreePort): Promise<{ port: number; child: Child }> {
  return startOnPort(async () => {
    const held = await bindPort({ port: 0 });
    if (!held) throw new Error('There is no free port');
    const { port } = held;
    await held.release();
    const child = startChild({ name, command, args: args(port), logFile });
    await untilServing(child, { name, ports: [port], withinMs: 120_000 });
    return { port, child };
  });
}

/**
 * Below the ports that connections and servers get by themselves, so nobody gets this one while the part that has it is
 * down: for parts that are killed and come back at the same address.
 */
const QUIET_PORTS = { from: 15_000, to: 32_000 };

const given = new Set<number>();

/** A port that stays its owner's while nobody listens there. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = QUIET_PORTS.from + Math.floor(Math.random() * (QUIET_PORTS.to - QUIET_PORTS.from));
    const held = given.has(port) ? undefined : await bindPort({ port, only: true });
    if (!held) continue;
    given.add(port);
    await held.release();
    return port;
  }
}
