import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { featureNames } from '../src/domain/fraud/features';
import { simulate } from '../src/domain/fraud/simulation';
import { writeTransactions } from '../src/lab/transactionFile';
import { bar } from './support/bar';
import { median, ratio } from './support/measure';

export interface FraudFeaturesBenchSettings {
  rounds: number;
  customers: number;
  days: number;
}

/**
 * Measures the features of a file, from CSV to numbers on one core: the replay by the serving code, in turn with plain
 * pandas.
 */
export async function benchFraudFeatures({ rounds, customers, days }: FraudFeaturesBenchSettings): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const file = join(folder, 'payments.csv');
  const python = process.env['PYTHON'] ?? 'python3';
  try {
    const writer = writeTransactions(file);
    for (const one of simulate({ seed: 1, customers, merchants: 200, days, start: Date.UTC(2026, 0, 1) }))
      await writer.write(one);
    await writer.close();
    const product: number[] = [];
    const peer: number[] = [];
    let rows = 0;
    let peerFeatures = 0;
    const progress = bar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      // The command measures its own duration, from the file's first byte to the matrix on disk.
      const features = [
        'run',
        '--silent',
        'fraud',
        '--',
        'features',
        '--transactions',
        file,
        '--out',
        join(folder, 'features.npy'),
      ];
      const out = execFileSync('npm', features, {
        cwd: join(__dirname, '..'),
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [, counted = '0', rate = '0'] = /^(\d+) rows of .*; (\d+) a second$/m.exec(out) ?? [];
      rows = Number(counted);
      product.push(Number(rate));
      const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
      const said = JSON.parse(
        execFileSync(python, [join(__dirname, 'features_pandas.py'), file], {
          encoding: 'utf8',
          env,
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ) as { rows: number; features: number; seconds: number };
      if (said.rows !== rows) throw new Error('Pandas read a different number of rows');
      peer.push(rows / said.seconds);
      peerFeatures = said.features;
      progress.increment();
    }
    progress.stop();
    const table = new Table({
      head: ['', 'features', 'payments per second'],
      colAligns: ['left', 'right', 'right'],
      style: { head: [], border: [] },
    });
    table.push(
      ['Longwatch, the serving code', featureNames.length, median(product).toFixed(0)],
      ['plain pandas', peerFeatures, median(peer).toFixed(0)],
    );
    console.log(
      `\n${table.toString()}\n${rounds} rounds over ${rows} payments, in turn. Target of the first: at least 30,000.\n`,
    );
    console.log(`ratio to pandas ${ratio(median(product.map((rate, i) => rate / (peer[i] as number))))}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
