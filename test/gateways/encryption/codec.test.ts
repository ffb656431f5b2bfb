import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { EncryptionCodec } from '../../../src/gateways/encryption/codec';
import { ConfiguredKeys, parsePayloadKeys } from '../../../src/gateways/encryption/keys';

const entry = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [first, second] = [entry('2026-01'), entry('2026-07')];
const codecOf = (...entries: string[]) => new EncryptionCodec(new ConfiguredKeys(parsePayloadKeys(entries.join(','))));
const json = (value: unknown): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});
const clear = (payload: Payload | undefined): unknown => JSON.parse(Buffer.from(payload!.data!).toString());
const inWorkflow = (workflowId: string) => ({ type: 'workflow', namespace: 'default', workflowId }) as const;
const textOf = (payload: Payload, name: string) => Buffer.from(payload.metadata![name]!).toString();

const bytes = fc.uint8Array({ maxLength: 2_000 });
const payloads = fc.array(
  fc.record({ metadata: fc.dictionary(fc.string({ minLength: 1, maxLength: 30 }), bytes), data: bytes }),
  { maxLength: 5 },
);
/** As plain values, whichever class of bytes holds them. */
const plain = (given: readonly Payload[]) =>
  given.map(({ metadata, data }) => [
    Object.entries(metadata ?? {})
      .map(([name, value]) => [name, Buffer.from(value).toString('hex')])
      .sort(),
    Buffer.from(data ?? []).toString('hex'),
  ]);

it('whatever is encoded comes back as it was, and stands nowhere in what is kept', async () => {
  const codec = codecOf(first);
  await fc.assert(
    fc.asyncProperty(
      payloads,
      fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      async (given, workflowId) => {
        const context = workflowId === undefined ? undefined : inWorkflow(workflowId);
        const kept = await codec.encode(given, context);
        expect(plain(await codec.decode(kept, context))).toEqual(plain(given));
        for (const [i, { data }] of given.entries())
          if (data.length >= 8) expect(Buffer.from(kept[i]!.data!).includes(Buffer.from(data))).toBe(false);
      },
    ),
  );
});

it('the same payload is kept differently each time, under a nonce of its own', async () => {
  const codec = codecOf(first);
  const kept = await codec.encode(Array.from({ length: 2_000 }, () => json('the same')));
  expect(new Set(kept.map(({ data }) => Buffer.from(data!).subarray(0, 12).toString('hex'))).size).toBe(2_000);
});

it('no bit can be changed unnoticed: not of the data, not of what is bound to it', async () => {
  const codec = codecOf(first, second);
  const [kept] = await codec.encode([json({ amount: 100 })], inWorkflow('investigation/1'));
  const flips = fc.oneof(
    fc.record({ where: fc.constant('data' as const), bit: fc.nat(kept!.data!.length * 8 - 1) }),
    fc
      .constantFrom('encryption-key-id', 'encryption-cipher', 'encryption-workflow-id')
      .chain((where) => fc.record({ where: fc.constant(where), bit: fc.nat(kept!.metadata![where]!.length * 8 - 1) })),
  );
  await fc.assert(
    fc.asyncProperty(flips, async ({ where, bit }) => {
      const changed: Payload = structuredClone({ metadata: { ...kept!.metadata }, data: kept!.data! });
      const target = where === 'data' ? changed.data! : changed.metadata![where]!;
      target[bit >> 3]! ^= 1 << (bit & 7);
      await expect(codec.decode([changed])).rejects.toMatchObject({
        name: expect.stringMatching(/^Payload(Integrity|Key)Error$/),
      });
    }),
  );
});

it('a payload that names another of our keys is not read with it', async () => {
  const codec = codecOf(first, second);
  const [kept] = await codec.encode([json(1)]);
  await expect(
    codec.decode([{ ...kept!, metadata: { ...kept!.metadata, 'encryption-key-id': Buffer.from('2026-07') } }]),
  ).rejects.toThrow('does not match the key "2026-07"');
});

it('a payload of one workflow is not read in another; in the Web UI, which knows no workflow, it is', async () => {
  const codec = codecOf(first);
  const kept = await codec.encode([json('approve')], inWorkflow('investigation/1'));
  expect(clear((await codec.decode(kept, inWorkflow('investigation/1')))[0])).toBe('approve');
  await expect(codec.decode(kept, inWorkflow('investigation/2'))).rejects.toThrow(
    'written for the workflow investigation/1 and is found in investigation/2',
  );
  const { 'encryption-workflow-id': _bound, ...unbound } = kept[0]!.metadata!;
  await expect(codec.decode([{ ...kept[0]!, metadata: unbound }])).rejects.toThrow('the payload was changed');
  expect(clear((await codec.decode(kept))[0])).toBe('approve');
});

it('what a schedule wrote is read in the workflows that it starts, which bear the instant in their id', async () => {
  const codec = codecOf(first);
  const kept = await codec.encode([json({ days: 7 })], inWorkflow('drift-report'));
  expect(clear((await codec.decode(kept, inWorkflow('drift-report-2026-11-24T06:00:00Z')))[0])).toEqual({ days: 7 });
  await expect(codec.decode(kept, inWorkflow('drift-report-other'))).rejects.toThrow('found in drift-report-other');
});

it('plain payloads, of histories that are older than the keys, pass through', async () => {
  const plainOnes = [json({ before: true }), { metadata: { encoding: Buffer.from('binary/null') } }];
  expect(await codecOf(first).decode(plainOnes)).toEqual(plainOnes);
});

it('the first key encrypts and all decrypt: a new one in front, the old one kept while it is needed', async () => {
  const [old] = await codecOf(first).encode([json('old')]);
  const rotated = codecOf(second, first);
  const [fresh] = await rotated.encode([json('new')]);
  expect([old, fresh].map((payload) => textOf(payload!, 'encryption-key-id'))).toEqual(['2026-01', '2026-07']);
  expect((await rotated.decode([old!, fresh!])).map(clear)).toEqual(['old', 'new']);
  await expect(codecOf(second).decode([old!])).rejects.toThrow(
    'encrypted with the key "2026-01", which is not configured (there are: 2026-07)',
  );
});

it('another codec’s payloads are told as such', async () => {
  const theirs: Payload = {
    metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('test') },
    data: randomBytes(40),
  };
  await expect(codecOf(first).decode([theirs])).rejects.toThrow(
    'encrypted by another codec (encryption-key-id test, encryption-cipher missing)',
  );
});

it.each([
  ['no id', randomBytes(32).toString('base64'), 'entry 1 has no valid id'],
  ['a short key', `a:${randomBytes(16).toString('base64')}`, 'entry 1 (a) has a key that is not base64 of 32 bytes'],
  ['no base64', 'a:not base64!', 'entry 1 (a) has a key'],
  ['an id twice', `${first},${first}`, 'entry 2 has the id 2026-01 again'],
])('%s is refused by position, and no key is shown', (_, given, message) => {
  const parse = () => parsePayloadKeys(given);
  expect(parse).toThrow(message);
  for (const secret of given.split(/[,:]/).filter((part) => part.length > 20)) expect(parse).not.toThrow(secret);
});
