import { type Progress, type Screen, showProgress } from '../../src/local/progress';

/** What is shown, with a clock of its own. */
function shown(isTTY: boolean, use: (progress: Progress, tick: (ms: number) => void) => void): string[] {
  jest.useFakeTimers();
  const parts: string[] = [];
  const out: Screen = { isTTY, columns: 60, write: (part) => parts.push(part) };
  const progress = showProgress(out);
  use(progress, (ms) => void jest.advanceTimersByTime(ms));
  progress.stop();
  jest.useRealTimers();
  return parts;
}

it('on a terminal: one live line a part, with its elapsed time, drawn over itself', () => {
  const parts = shown(true, (progress, tick) => {
    progress.stage('Temporal', 'building', '3 of 9 packages');
    tick(200);
    progress.done('DynamoDB', 'dynoxide at http://127.0.0.1:8000');
    tick(61_000);
  });
  expect(parts[0]).toBe('\u001B[2K… Temporal   0 s  building, 3 of 9 packages\n');
  expect(parts.at(-1)).toBe(
    '\u001B[2A\u001B[2K… Temporal   1 min 1 s  building, 3 of 9 packages\n\u001B[2K✓ DynamoDB   dynoxide at ' +
      'http://127.0.0.1:8000\n',
  );
});

it('elsewhere: a line a stage, and again with the elapsed time while a stage takes long', () => {
  const parts = shown(false, (progress, tick) => {
    progress.stage('Temporal', 'building', '1 of 9 packages');
    progress.stage('Temporal', 'building', '2 of 9 packages');
    tick(12_000);
    progress.done('Temporal', 'up');
    tick(60_000);
  });
  expect(parts).toEqual([
    '[0 s] Temporal: building\n',
    '[10 s] Temporal: building, 2 of 9 packages (10 s so far)\n',
    '[12 s] Temporal: up\n',
  ]);
});

it('a line never wraps: it would be two on the way up', () => {
  const [first] = shown(true, (progress, tick) => {
    progress.stage('Temporal', 'x'.repeat(200));
    tick(200);
  });
  expect(first!.length).toBe('\u001B[2K'.length + 59 + '\n'.length);
});

it('says which part took longest, from its first stage to its end', () => {
  let longest: ReturnType<Progress['longest']>;
  shown(false, (progress, tick) => {
    expect(progress.longest()).toBeUndefined();
    progress.stage('Temporal', 'building');
    tick(1_000);
    progress.stage('DynamoDB', 'starting');
    progress.stage('Temporal', 'starting');
    tick(2_000);
    progress.done('DynamoDB', 'up');
    tick(500);
    progress.done('Temporal', 'up');
    progress.stage('workers', 'starting');
    tick(60_000);
    longest = progress.longest();
  });
  expect(longest).toEqual({ part: 'Temporal', ms: 3_500 });
});
