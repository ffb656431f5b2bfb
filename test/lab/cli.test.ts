import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBaselines } from '../../src/gateways/fraud/baselineFiles';
import { featureNames } from '../../src/domain/fraud/features';

const ROOT = join(__dirname, '..', '..');
let folder: string;
const path = (name: string) => join(folder, name);

/** `npm run fraud --` with these arguments. */
function fraud(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/fraud.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (part: Buffer) => (said.out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.err += part.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}
const lines = (name: string) => readFileSync(path(name), 'utf8').trim().split('\n');
const WINDOW = ['--from', '2026-02-05', '--to', '2026-02-15'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-fraud-'));
  const made = await fraud([
    'simulate',
    '--out',
    path('payments.csv'),
    '--customers',
    '400',
    '--merchants',
    '80',
    '--days',
    '50',
    '--fraud-rate',
    '0.004',
    '--seed',
    '3',
  ]);
  if (made.code !== 0) throw new Error(made.err);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('simulate: the same seed gives the same file', async () => {
  await fraud([
    'simulate',
    '--out',
    path('again.csv'),
    '--customers',
    '400',
    '--merchants',
    '80',
    '--days',
    '50',
    '--fraud-rate',
    '0.004',
    '--seed',
    '3',
  ]);
  expect(readFileSync(path('again.csv')).equals(readFileSync(path('payments.csv')))).toBe(true);
  expect(lines('payments.csv').filter((line) => /^[^,]+,[^,]+,[^,]+,[^,]+,\d+,1,/.test(line)).length).toBeGreaterThan(
    100,
  );
});

it('features: NumPy and CSV hold the same matrix, a row a payment, in the file’s order', async () => {
  expect((await fraud(['features', '--transactions', path('payments.csv'), '--out', path('f.npy')])).code).toBe(0);
  const { out } = await fraud(['features', '--transactions', path('payments.csv'), '--out', path('f.csv')]);
  const [header, ...rows] = lines('f.csv');
  expect(header).toBe(`transactionId,timestamp,fraud,${featureNames.join(',')}`);
  expect(rows.map((row) => row.split(',')[0])).toEqual(
    lines('payments.csv')
      .slice(1)
      .map((row) => row.split(',')[0]),
  );
  expect(out).toContain(`${rows.length} rows of ${featureNames.length} features`);
  const npy = readFileSync(path('f.npy'));
  expect(npy.subarray(0, 128).toString('latin1')).toContain(`'shape': (${rows.length}, ${featureNames.length + 1})`);
  const matrix = new Float32Array(npy.buffer.slice(npy.byteOffset + 128, npy.byteOffset + npy.length));
  const text = Float32Array.from(
    rows.flatMap((row) =>
      row
        .split(',')
        .slice(2)
        .map((cell) => (cell === '' ? Number.NaN : Number(cell))),
    ),
  );
  expect(Buffer.from(matrix.buffer).equals(Buffer.from(text.buffer))).toBe(true);
});

it('backtest: figures, a score for every payment of the window, and a page that needs nothing else', async () => {
  writeFileSync(
    path('rules.json'),
    JSON.stringify({
      bands: [],
      rules: [
        { id: 'big', when: { field: 'amount', is: '>', value: 200 }, outcome: 'review', reason: 'BIG', text: 'big' },
      ],
    }),
  );
  const { code, out } = await fraud([
    'backtest',
    '--transactions',
    path('payments.csv'),
    ...WINDOW,
    '--scores',
    path('scores.csv'),
    '--report',
    path('page.html'),
    '--compare-rules',
    path('rules.json'),
  ]);
  expect(code).toBe(0);
  const inWindow = lines('payments.csv')
    .slice(1)
    .filter((row) => {
      const at = row.split(',')[1]!;
      return at >= '2026-02-05' && at < '2026-02-15';
    });
  expect(out).toContain(`${inWindow.length} payments, `);
  expect(
    lines('scores.csv')
      .slice(1)
      .map((row) => row.split(',')[0]),
  ).toEqual(inWindow.map((row) => row.split(',')[0]));
  expect(
    lines('scores.csv')
      .slice(1)
      .every((row) => Number(row.split(',')[1]) > 0 && Number(row.split(',')[1]) < 1),
  ).toBe(true);
  // The model that ships finds most of what the simulator does.
  expect(Number(/ROC AUC +│ ([\d.]+)/.exec(out)![1])).toBeGreaterThan(0.85);
  expect(out).toMatch(/rule big +│ absent +│ \d+, \d+/);
  expect(out).toContain('Changed decisions');
  const page = readFileSync(path('page.html'), 'utf8');
  expect(page).toContain('<polyline');
  expect(page).not.toMatch(/(src|href)=|url\(/);
});

const shuffled = () => {
  const model = JSON.parse(readFileSync(join(ROOT, 'model', 'fraud.json'), 'utf8')) as {
    learner: { feature_names: string[] };
  };
  model.learner.feature_names.reverse();
  return JSON.stringify(model);
};

it.each<[string, () => string[], RegExp, Record<string, string>?]>([
  [
    'a model of other features',
    () => [
      'backtest',
      '--transactions',
      path('payments.csv'),
      ...WINDOW,
      '--model',
      (writeFileSync(path('other.json'), shuffled()), path('other.json')),
    ],
    /was trained on other features: column 0 is transfer, this code has amount there/,
  ],
  [
    'rules with a fault',
    () => [
      'backtest',
      '--transactions',
      path('payments.csv'),
      ...WINDOW,
      '--rules',
      (writeFileSync(path('bad.json'), '{"bands":[],"rules":[{"id":"A"}]}'), path('bad.json')),
    ],
    /bad\.json: The rule set has .*\n {2}rules\[0\]\.id must be/,
  ],
  [
    'a window without payments',
    () => ['backtest', '--transactions', path('payments.csv'), '--from', '2027-01-01', '--to', '2027-02-01'],
    /The window contains no payment/,
  ],
  [
    'a window that ends before it begins',
    () => ['backtest', '--transactions', path('payments.csv'), '--from', '2026-02-02', '--to', '2026-02-01'],
    /--to must be after --from/,
  ],
  [
    'a day that is none',
    () => ['backtest', '--transactions', path('payments.csv'), '--from', 'May', '--to', '2026-02-01'],
    /--from must be a day like 2018-07-01/,
  ],
  [
    'a delay that is none',
    () => ['features', '--transactions', path('payments.csv'), '--label-delay', 'late', '--out', path('x.npy')],
    /--label-delay must be a duration like 7d/,
  ],
  [
    'a file in no order',
    () => [
      'features',
      '--transactions',
      (writeFileSync(path('mixed.csv'), [...lines('payments.csv').slice(0, 3), lines('payments.csv')[1]].join('\n')),
      path('mixed.csv')),
      '--out',
      path('x.npy'),
    ],
    /is not in time order: .*Sort it by timestamp first/,
  ],
  [
    'an ending that is none',
    () => ['features', '--transactions', path('payments.csv'), '--out', path('x.parquet')],
    /must end in \.npy, \.csv or \.csv\.gz/,
  ],
  [
    'training without Python',
    () => ['train', '--transactions', path('payments.csv'), ...WINDOW, '--out', path('m.json')],
    /Training needs Python 3 .*\/nothing\/python does not exist/,
    { PYTHON: '/nothing/python' },
  ],
  ['no command', () => [], /A command is required/],
])('%s is said in a sentence, with exit code 1', async (...[, args, sentence, env]) => {
  const { code, err } = await fraud(args(), env);
  expect(err).toMatch(sentence);
  expect(err).not.toMatch(/^ +at /m);
  expect(code).toBe(1);
});

const python =
  process.env['PYTHON'] ??
  (existsSync(join(ROOT, 'model/.venv/bin/python')) ? join(ROOT, 'model/.venv/bin/python') : 'python3');
const canTrain = spawnSync(python, ['-c', 'import xgboost, sklearn, numpy']).status === 0;
if (!canTrain) process.stderr.write(`Training is not tested: ${python} lacks the packages of model/requirements.txt\n`);

const ifTrainable = canTrain ? it : it.skip;
ifTrainable(
  'train: a model that beats chance on days it never saw, with a card, and the same again from the same payments',
  async () => {
    const args = [
      'train',
      '--transactions',
      path('payments.csv'),
      '--from',
      '2026-01-08',
      '--to',
      '2026-01-29',
      '--out',
    ];
    const { code, out, err } = await fraud([...args, path('mine.json')], { PYTHON: python });
    expect([code, err.split('\n').filter((line) => line.includes('Error'))]).toEqual([0, []]);
    expect(out).toMatch(/^fraud-[0-9a-f]{10}: \d+ trees from \d+ payments/);
    const card = JSON.parse(readFileSync(path('mine.card.json'), 'utf8')) as { features: string[]; rocAuc: number };
    expect(card.features).toEqual([...featureNames]);
    expect(readBaselines(join(ROOT, 'model', 'fraud.baseline.json'), path('mine.baseline.json')).size).toBe(2);
    expect(readFileSync(path('mine.card.md'), 'utf8')).toContain(
      '2026-01-08T00:00:00.000Z to 2026-01-29T00:00:00.000Z',
    );
    await fraud([...args, path('twin.json')], { PYTHON: python });
    expect(readFileSync(path('twin.json')).equals(readFileSync(path('mine.json')))).toBe(true);
    const tested = await fraud([
      'backtest',
      '--transactions',
      path('payments.csv'),
      ...WINDOW,
      '--model',
      path('mine.json'),
    ]);
    expect(Number(/ROC AUC +│ ([\d.]+)/.exec(tested.out)![1])).toBeGreaterThan(0.75);
  },
);
