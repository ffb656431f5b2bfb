import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type FileTransaction, readTransactions, writeTransactions } from '../../src/lab/transactionFile';
import { arbitraryTransaction } from '../domain/fraud/arbitraryTransactions';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-lab-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Buffer): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const read = async (path: string, format?: Parameters<typeof readTransactions>[1]): Promise<FileTransaction[]> => {
  const all: FileTransaction[] = [];
  for await (const one of readTransactions(path, format)) all.push(one);
  return all;
};

const HEADER = 'transactionId,timestamp,userId,merchantId,amount';
const csv = (...rows: string[]) => [HEADER, ...rows].join('\n');

it.each(['csv', 'csv.gz', 'jsonl', 'jsonl.gz'])('.%s: what is written is what is read', async (ending) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record(
          { transaction: arbitraryTransaction, fraud: fc.option(fc.boolean(), { nil: undefined }) },
          { requiredKeys: ['transaction'] },
        ),
        { maxLength: 20 },
      ),
      async (drafts) => {
        const all: FileTransaction[] = drafts.map(({ transaction, fraud }) =>
          fraud === undefined ? { transaction } : { transaction, fraud },
        );
        const path = join(folder, `all.${ending}`);
        const file = writeTransactions(path);
        for (const one of all) await file.write(one);
        await file.close();
        expect(await read(path)).toEqual(JSON.parse(JSON.stringify(all)));
      },
    ),
    { numRuns: 25 },
  );
});

it('takes the required columns alone, in any order, with quotes, a BOM, CRLF and empty lines', async () => {
  const path = write(
    'plain.csv',
    '\uFEFFamount,userId,"transactionId",timestamp,merchantId\r\n' +
      '1999,ada,tx-1,2026-01-31T12:00:00Z,books\r\n\r\n' +
      '"5",bob,tx-2,2026-01-31 12:00:01,books\r\n',
  );
  const rows = await read(path);
  expect(rows).toEqual([
    {
      transaction: {
        transactionId: 'tx-1',
        timestamp: Date.UTC(2026, 0, 31, 12),
        userId: 'ada',
        merchantId: 'books',
        amount: 1999,
        currency: 'EUR',
      },
    },
    {
      transaction: {
        transactionId: 'tx-2',
        timestamp: Date.UTC(2026, 0, 31, 12, 0, 1),
        userId: 'bob',
        merchantId: 'books',
        amount: 5,
        currency: 'EUR',
      },
    },
  ]);
});

it('reads amounts in major units exactly, by the currency’s own digits', async () => {
  const path = write(
    'major.csv',
    [
      `${HEADER},currency`,
      'a,2026-01-01T00:00:00Z,u,m,0.29,',
      'b,2026-01-01T00:00:00Z,u,m,1.005,KWD',
      'c,2026-01-01T00:00:00Z,u,m,165,JPY',
    ].join('\n'),
  );
  expect(
    (await read(path, { amountUnit: 'major', currency: 'USD' })).map(({ transaction: { amount, currency } }) => [
      amount,
      currency,
    ]),
  ).toEqual([
    [29, 'USD'],
    [1005, 'KWD'],
    [165, 'JPY'],
  ]);
});

it('empty cells are missing: the label is not known, optional fields are absent', async () => {
  const path = write(
    'empty.csv',
    [
      `${HEADER},fraud,deviceId,latitude,country`,
      'a,2026-01-01T00:00:00Z,u,m,1,,,,',
      'b,2026-01-01T00:00:00Z,u,m,1,1,d,,DE',
      'c,1767225600000,u,m,1,0,,52.5,',
    ].join('\n'),
  );
  expect(await read(path)).toMatchObject([
    { transaction: { transactionId: 'a' } },
    { fraud: true, transaction: { deviceId: 'd', location: { country: 'DE' } } },
    { fraud: false, transaction: { timestamp: 1_767_225_600_000, location: { latitude: 52.5 } } },
  ]);
  expect(Object.keys((await read(path))[0]!)).toEqual(['transaction']);
});

it.each<[string, string, string | Buffer, RegExp]>([
  [
    'a header without a column',
    'a.csv',
    'transactionId,timestamp\n',
    /a\.csv: the header lacks userId, merchantId, amount; wanted are/,
  ],
  ['a header with an unknown column', 'a.csv', `${HEADER},fruad\n`, /unknown column fruad; known are/],
  [
    'an amount that is no integer',
    'a.csv',
    csv('a,2026-01-01T00:00:00Z,u,m,1', 'b,2026-01-01T00:00:00Z,u,m,19.99'),
    /a\.csv:3: amount must be an integer in minor units .*, found "19.99"; for amounts like 19.99 use --amount-unit major/,
  ],
  ['a negative amount', 'a.csv', csv('a,2026-01-01T00:00:00Z,u,m,-1'), /a\.csv:2: amount must not be negative/],
  [
    'an amount that is no number',
    'a.csv',
    csv('a,2026-01-01T00:00:00Z,u,m,many'),
    /a\.csv:2: amount must be an integer/,
  ],
  [
    'a time that is none',
    'a.csv',
    csv('a,yesterday,u,m,1'),
    /a\.csv:2: timestamp must be ISO 8601.*, found "yesterday"/,
  ],
  [
    'an id with a character outside the set',
    'a.csv',
    csv('a#b,2026-01-01T00:00:00Z,u,m,1'),
    /a\.csv:2: transactionId must be 1 to 64 characters/,
  ],
  [
    'a label that is none',
    'a.csv',
    `${HEADER},fraud\na,2026-01-01T00:00:00Z,u,m,1,yes`,
    /a\.csv:2: fraud must be 0, 1 or empty \(not known\), found "yes"/,
  ],
  ['a row with too many cells', 'a.csv', csv('a,2026-01-01T00:00:00Z,u,m,1,2'), /a\.csv: .*line 2/],
  ['a quote that never ends', 'a.csv', csv('"a,2026-01-01T00:00:00Z,u,m,1'), /a\.csv: Quote Not Closed/],
  ['a line that is no JSON', 'a.jsonl', '{"transactionId":"a"\n', /a\.jsonl:1: this line is not valid JSON/],
  ['a line that is no object', 'a.jsonl', '[1]\n', /a\.jsonl:1: this line is not a JSON object/],
  ['an unknown field', 'a.jsonl', '{"transactionID":"a"}\n', /a\.jsonl:1: unknown fields transactionID/],
  ['no gzip', 'a.csv.gz', 'hello', /a\.csv\.gz ends in \.gz but is not a complete gzip file/],
  [
    'a torn gzip',
    'b.csv.gz',
    gzipSync(
      csv(...Array.from({ length: 500 }, (_, i) => `tx-${i},2026-01-01T00:00:00Z,u-${i * 7},m,${i * 13}`)),
    ).subarray(0, -300),
    /b\.csv\.gz .*(torn|end of file)/,
  ],
])('%s is refused with its place', async (_, name, content, sentence) => {
  await expect(read(write(name, content))).rejects.toThrow(sentence);
});

it('a file that is not there, or a folder, is said in a sentence', async () => {
  await expect(read(join(folder, 'nothing.csv'))).rejects.toThrow(/^File .*nothing\.csv does not exist$/);
  await expect(read(folder)).rejects.toThrow(/cannot be read/);
});

it('is compressed where it is called .gz', async () => {
  const path = join(folder, 'one.csv.gz');
  const file = writeTransactions(path);
  await file.close();
  expect(gunzipSync(readFileSync(path)).toString()).toContain('transactionId,timestamp');
});
