import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { extractFeatures, featureNames, featureVector, LABEL_DELAY_DAYS } from '../src/domain/fraud/features';
import { applyHistoryChange, emptyMerchantProfile, type HistoryRecord, type MerchantProfile } from '../src/domain/fraud/merchantProfile';
import { applyTransaction, DAY_MS, emptyUserProfile, isUnusuallyHigh, type UserProfile } from '../src/domain/fraud/profile';
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

const users = new Map<string, UserProfile>();
const merchants = new Map<string, MerchantProfile>();
const pending: { merchantId: string; fraud: boolean; record: HistoryRecord }[] = [];
let learned = 0;
let day = 0;
const rows: Record<string, number> = {};
for (const { transaction, fraud, scenario } of simulate(settings)) {
  const { userId, merchantId, timestamp } = transaction;
  const today = Math.floor((timestamp - settings.start) / DAY_MS);
  if (today > day) bar.update((day = today));
  learnLabels(timestamp);
  const user = users.get(userId) ?? emptyUserProfile();
  const merchant = merchants.get(merchantId) ?? emptyMerchantProfile();
  for (const [part, [from, to]] of Object.entries(parts))
    if (today >= from && today < to) {
      const row = [fraud ? 1 : 0, scenario ? scenarios.indexOf(scenario) + 1 : 0, ...featureVector(extractFeatures(transaction, user, merchant))];
      writeSync(files[part] as number, Buffer.from(Float32Array.from(row).buffer));
      rows[part] = (rows[part] ?? 0) + 1;
    }
  users.set(userId, applyTransaction(user, transaction));
  const record = { timestamp, unusualAmount: isUnusuallyHigh(user, transaction) };
  merchants.set(merchantId, applyHistoryChange(merchant, { after: record }));
  pending.push({ merchantId, fraud, record });
}
bar.stop();
for (const file of Object.values(files)) closeSync(file);

/** What TransactionHistory's stream tells the merchants once the labels of 7 days ago are known. */
function learnLabels(now: number): void {
  for (; learned < pending.length; learned++) {
    const known = pending[learned];
    if (!known || known.record.timestamp > now - LABEL_DELAY_DAYS * DAY_MS) return;
    if (!known.fraud) continue;
    const merchant = merchants.get(known.merchantId) ?? emptyMerchantProfile();
    const after = { ...known.record, label: 'fraud' as const };
    merchants.set(known.merchantId, applyHistoryChange(merchant, { before: known.record, after }));
  }
}

writeFileSync(join(folder, 'meta.json'), JSON.stringify({ featureNames, scenarios, settings, parts, rows }));
const trained = spawnSync(python, ['model/train.py', folder, resolve('model')], { stdio: 'inherit' });
rmSync(folder, { recursive: true });
process.exit(trained.status ?? 1);
