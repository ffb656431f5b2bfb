import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { featureNames, featureVector } from '../src/domain/fraud/features';
import { simulate } from '../src/domain/fraud/simulation';
import { DAY_MS } from '../src/domain/fraud/profile';
import { replayFile } from '../src/lab/replayFile';
import { defaultFormat, writeTransactions } from '../src/lab/transactionFile';
import { bar } from './support/bar';
import { median, ratio } from './support/measure';

export interface FraudFeaturesBenchSettings {
  rounds: number;
  customers: number;
  days: number;
}

/** The features of a file, from CSV to numbers on one core: the serving code's replay beside plain pandas, in turn. */
export async function benchFraudFeatures({ rounds, customers, days }: FraudFeaturesBenchSettings): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-bench-'));
  const file = join(folder, 'payments.csv');
  const python = process.env['PYTHON'] ?? 'python3';
  try {
    const writer = writeTransactions(file);
    for (const one of simulate({ seed: 1, customers, merchants: 200, days, start: Date.UTC(2026, 0, 1) })) await writer.write(one);
    await writer.close();
    const product: number[] = [];
    const peer: number[] = [];
    let rows = 0;
    let peerFeatures = 0;
    const progress = bar('rounds', rounds);
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      rows = 0;
      let sum = 0;
      for await (const one of replayFile(file, defaultFormat, 7 * DAY_MS)) {
        sum += featureVector(one.features()).length;
        rows++;
      }
      if (sum !== rows * featureNames.length) throw new Error('Some rows have no features');
      product.push(rows / ((performance.now() - started) / 1000));
      const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
      const said = JSON.parse(execFileSync(python, [join(__dirname, 'features_pandas.py'), file], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] })) as { rows: number; features: number; seconds: number };
      if (said.rows !== rows) throw new Error('Pandas read other rows');
      peer.push(rows / said.seconds);
      peerFeatures = said.features;
      progress.increment();
    }
    progress.stop();
    const table = new Table({ head: ['', 'features', 'payments a second'], colAligns: ['left', 'right', 'right'], style: { head: [], border: [] } });
    table.push(['Longwatch, the serving code', featureNames.length, median(product).toFixed(0)], ['plain pandas', peerFeatures, median(peer).toFixed(0)]);
    console.log(`\n${table.toString()}\n${rounds} rounds over ${rows} payments, in turn. Target of the first: at least 30,000.\n`);
    console.log(`over pandas'   ${ratio(median(product.map((rate, i) => rate / (peer[i] as number))))}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
