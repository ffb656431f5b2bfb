import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { featureNames, featureVector } from '../src/domain/fraud/features';
import { DAY_MS } from '../src/domain/fraud/profile';
import { Replay } from '../src/domain/fraud/replay';
import { scenarios, simulate } from '../src/domain/fraud/simulation';

/**
 * Trains the shipped model: simulated payments are replayed in time order through the very functions that
 * serve, labels becoming known after the delay, and the matrix goes to the official XGBoost in Python.
 */
const settings = { seed: 20_260_101, customers: 5000, merchants: 600, days: 150, start: Date.UTC(2026, 0, 1) };
/** Days of each part; between training and test lies the label delay. */
const parts = { train: [10, 110], tune: [110, 125], test: [132, 150] } as const;

const python = process.env['PYTHON'] ?? (existsSync('model/.venv/bin/python') ? 'model/.venv/bin/python' : 'python3');
const check = spawnSync(python, ['-c', 'import xgboost, sklearn, numpy']);
if (check.status !== 0) {
  console.error(
    `Training needs Python with the packages of model/requirements.txt; ${python} has not.\n` +
      'python3 -m venv model/.venv && model/.venv/bin/pip install -r model/requirements.txt',
  );
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'longwatch-train-'));
const files = Object.fromEntries(Object.keys(parts).map((part) => [part, openSync(join(folder, `${part}.f32`), 'w')]));
const bar = new SingleBar({ format: 'replaying {bar} {percentage} % | day {value} of {total}', hideCursor: true });
bar.start(settings.days, 0);

let day = 0;
const rows: Record<string, number> = {};
const replay = new Replay();
for (const one of simulate(settings)) {
  const features = replay.take(one.transaction, one.fraud);
  const today = Math.floor((one.transaction.timestamp - settings.start) / DAY_MS);
  if (today > day) bar.update((day = today));
  for (const [part, [from, to]] of Object.entries(parts))
    if (today >= from && today < to) {
      const row = [one.fraud ? 1 : 0, one.scenario ? scenarios.indexOf(one.scenario) + 1 : 0, ...featureVector(features())];
      writeSync(files[part] as number, Buffer.from(Float32Array.from(row).buffer));
      rows[part] = (rows[part] ?? 0) + 1;
    }
}
bar.stop();
for (const file of Object.values(files)) closeSync(file);

writeFileSync(join(folder, 'meta.json'), JSON.stringify({ featureNames, scenarios, settings, parts, rows }));
const trained = spawnSync(python, ['model/train.py', folder, resolve('model')], { stdio: 'inherit' });
rmSync(folder, { recursive: true });
process.exit(trained.status ?? 1);
