import { randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import { EncryptionCodec } from '../../../src/gateways/encryption/codec';
import { ConfiguredKeys, parsePayloadKeys } from '../../../src/gateways/encryption/keys';
import { kmsClient, KmsKeys, type KmsKeysOptions, MigratingKeys } from '../../../src/gateways/encryption/kmsKeys';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { REGION } from '../../support/dynamodb';
import { hasMoto, startTestKms, type TestKms } from '../../support/kms';
import { startTcpProxy } from '../../support/tcpProxy';
import { clockOf } from '../../support/clock';

const ifMoto = hasMoto() ? it : it.skip;

let kms: TestKms | undefined;
beforeAll(async () => {
  if (ifMoto === it) kms = await startTestKms();
});
afterAll(() => kms?.stop());

const json = (value: unknown): Payload => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});
const clear = (payload: Payload): unknown => JSON.parse(Buffer.from(payload.data!).toString());

/** A codec of a process of its own, and how often it asked KMS for what. */
function processWith(keyIds: string[], options: KmsKeysOptions = {}) {
  const calls: string[] = [];
  const counted = {
    send: (command: { constructor: { name: string } }) => (
      calls.push(command.constructor.name),
      kms!.client.send(command as never)
    ),
  } as unknown as TestKms['client'];
  return { codec: new EncryptionCodec(new KmsKeys(counted, keyIds, options)), calls };
}

ifMoto('a data key under the KMS key encrypts many payloads; another process unwraps it once', async () => {
  const key = await kms!.createKey();
  const writer = processWith([key]);
  const kept = await writer.codec.encode(Array.from({ length: 500 }, (_, i) => json(i)));
  expect(writer.calls).toEqual(['GenerateDataKeyCommand']);
  expect((await writer.codec.decode(kept)).map(clear)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  expect(writer.calls).toHaveLength(1);
  const reader = processWith([key]);
  expect((await reader.codec.decode(kept)).map(clear)).toHaveLength(500);
  expect(reader.calls).toEqual(['DecryptCommand']);
});

ifMoto('a data key has bounded use and age', async () => {
  const key = await kms!.createKey();
  let now = 1_000;
  const { codec, calls } = processWith([key], { maxUses: 10, maxAgeMs: 60_000, clock: clockOf(() => now) });
  await codec.encode(Array.from({ length: 25 }, (_, i) => json(i)));
  expect(calls).toHaveLength(3);
  now += 60_000;
  const late = await codec.encode([json('late')]);
  expect(calls).toHaveLength(4);
  now += 60_001;
  expect((await codec.decode(late)).map(clear)).toEqual(['late']);
  expect(calls.at(-1)).toBe('DecryptCommand');
});

ifMoto('the first KMS key wraps and all unwrap; one that is not configured is named', async () => {
  const [old, next] = [await kms!.createKey(), await kms!.createKey()];
  const before = await processWith([old]).codec.encode([json('old')]);
  const rotated = processWith([next, old]).codec;
  expect((await rotated.decode([...before, ...(await rotated.encode([json('new')]))])).map(clear)).toEqual([
    'old',
    'new',
  ]);
  await expect(processWith([next]).codec.decode(before)).rejects.toThrow(
    `under the KMS key "${old}", which is not configured`,
  );
});

ifMoto('a wrapped key that was changed, and a KMS key that is not there, are told as such', async () => {
  const key = await kms!.createKey();
  const [kept] = await processWith([key]).codec.encode([json(1)]);
  const wrapped = Buffer.from(kept!.metadata!['encryption-data-key']!);
  wrapped[wrapped.length - 1]! ^= 1;
  await expect(
    processWith([key]).codec.decode([{ ...kept!, metadata: { ...kept!.metadata, 'encryption-data-key': wrapped } }]),
  ).rejects.toThrow(`KMS did not unwrap a data key under the key "${key}"`);
  const nobodys = `${key.slice(0, -12)}000000000000`;
  await expect(processWith([nobodys]).codec.encode([json(2)])).rejects.toThrow(
    `KMS made no data key under the key "${nobodys}": NotFoundException`,
  );
});

ifMoto(
  'while KMS is away nothing is written; what was unwrapped before is read, and all goes on once it is back',
  async () => {
    const key = await kms!.createKey();
    const wire = await startTcpProxy(Number(new URL(kms!.endpoint).port));
    const client = kmsClient({ region: REGION, endpoint: `http://${wire.address}`, credentials: LOCAL_CREDENTIALS });
    const keys = new KmsKeys(client, [key], { maxUses: 1 });
    const codec = new EncryptionCodec(keys);
    const before = await codec.encode([json('before')]);
    wire.cut();
    await expect(codec.encode([json('meanwhile')])).rejects.toThrow(`KMS made no data key under the key "${key}"`);
    expect((await codec.decode(before)).map(clear)).toEqual(['before']);
    wire.mend();
    expect((await codec.decode(await codec.encode([json('after')]))).map(clear)).toEqual(['after']);
    client.destroy();
    await wire.close();
  },
);

ifMoto('the way from configured keys to KMS: what they wrote is still read', async () => {
  const configured = new ConfiguredKeys(parsePayloadKeys(`mine:${randomBytes(32).toString('base64')}`));
  const before = await new EncryptionCodec(configured).encode([json('before')]);
  const moved = new EncryptionCodec(new MigratingKeys(new KmsKeys(kms!.client, [await kms!.createKey()]), configured));
  const after = await moved.encode([json('after')]);
  expect(after[0]!.metadata!['encryption-data-key']).toBeDefined();
  expect((await moved.decode([...before, ...after])).map(clear)).toEqual(['before', 'after']);
});
