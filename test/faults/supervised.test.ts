import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../../src/local/child';
import { Supervised } from './mixed/supervised';

it('two kills that waited for the same start end one process and start one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-supervised-'));
  const children: Child[] = [];
  let isUp: () => void = () => undefined;
  const up = new Promise<void>((resolve) => (isUp = resolve));
  const supervised = new Supervised('idle', async (onChild) => {
    const child = startChild({
      name: 'idle',
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      logFile: join(folder, 'idle.log'),
    });
    children.push(child);
    onChild(child);
    await up;
  });
  try {
    const starting = supervised.start();
    const kills = [supervised.kill(0), supervised.kill(0)];
    isUp();
    await Promise.all([starting, ...kills]);
    expect(children.map((child) => child.hasEnded())).toEqual([true, false]);
    expect(supervised.endedByItself).toEqual([]);
  } finally {
    await supervised.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
