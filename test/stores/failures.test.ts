import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, GetCommand, PutCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { isLongwatchError } from '../../src/domain/errors';
import { engines } from '../../src/local/dynamodb';
import { cancellationCodes } from '../../src/stores/dynamodb';
import { storeFailureOf } from '../../src/stores/failures';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';

// Whatever the engine says of it in its own words, a value that DynamoDB does not store is `refused`, and nothing else.

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
let deep: unknown = 1;
for (let i = 0; i < 3_000; i++) deep = { a: deep };

const unstorable: Record<string, Record<string, unknown>> = {
  '39 digits': { A: 123456789012345678901234567890123456789n },
  'a number that underflows': { A: 1e-131 },
  'a number beyond what is kept exactly': { A: 1e200 },
  'not a number': { A: Number.NaN },
  infinity: { A: Number.POSITIVE_INFINITY },
  'over 400 KB': { A: 'x'.repeat(410 * 1024) },
  'a partition key over 2048 bytes': { Source: 'k'.repeat(2_049) },
  'a sort key over 1024 bytes': { PositionID: 'k'.repeat(1_025) },
  'nested over 32 levels': { A: nested(33) },
  'nested over 3,000 levels': { A: deep },
  'an empty key': { Source: '' },
  'a key of another type': { Source: 5 },
  'an empty set': { A: new Set() },
  'an object of a class': { A: new Date(0) },
};

describe.each(engines)('%s', (engine) => {
  let dynamodb: TestDynamoDB;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
  });
  afterAll(() => dynamodb?.stop());

  const base = { Source: 's', PositionID: 'p' };
  const ways = (over: Record<string, unknown>) => {
    const TableName = dynamodb.db.table('DeadLetters');
    const Item = { ...base, ...over };
    return {
      put: new PutCommand({ TableName, Item }),
      batch: new BatchWriteCommand({ RequestItems: { [TableName]: [{ PutRequest: { Item } }] } }),
      transaction: new TransactWriteCommand({
        TransactItems: [
          { Put: { TableName, Item } },
          { Put: { TableName, Item: { Source: 'other', PositionID: 'p' } } },
        ],
      }),
    };
  };

  test.each(Object.keys(unstorable))('%s is refused, by every way of writing, and counted', async (what) => {
    for (const [how, command] of Object.entries(ways(unstorable[what]!))) {
      dynamodb.calls.length = 0;
      const error = await dynamodb.db.client.send(command as PutCommand).catch((failure: unknown) => failure);
      expect([how, isLongwatchError(error, 'refused')]).toEqual([how, true]);
      expect((error as Error).message).toMatch(/^DynamoDB cannot store it: .+/);
      expect(dynamodb.calls).toMatchObject([{ failed: true, refused: true }]);
    }
  });

  test('an unpaired surrogate is refused, or stored: never anything that is retried', async () => {
    for (const [how, command] of Object.entries(ways({ A: 'x\ud800y' }))) {
      const error = await dynamodb.db.client.send(command as PutCommand).catch((failure: unknown) => failure);
      expect([how, !(error instanceof Error) || isLongwatchError(error, 'refused')]).toEqual([how, true]);
    }
  });

  test('an item that an update lets grow over 400 KB is refused', async () => {
    const TableName = dynamodb.db.table('DeadLetters');
    const update = {
      TableName,
      Key: { Source: 'grown', PositionID: 'p' },
      UpdateExpression: 'SET A = :x, B = :x',
      ExpressionAttributeValues: { ':x': 'y'.repeat(250 * 1024) },
    };
    await expect(dynamodb.db.client.send(new UpdateCommand(update))).rejects.toMatchObject({ type: 'refused' });
    await expect(
      dynamodb.db.client.send(
        new TransactWriteCommand({
          TransactItems: [{ Update: update }, { Put: { TableName, Item: { Source: 'other', PositionID: 'p' } } }],
        }),
      ),
    ).rejects.toMatchObject({ type: 'refused' });
  });

  test('a lost race passes through to its store, also beside an item that would be refused', async () => {
    const TableName = dynamodb.db.table('DeadLetters');
    await dynamodb.db.client.send(new PutCommand({ TableName, Item: base }));
    const lost = { Put: { TableName, Item: base, ConditionExpression: 'attribute_not_exists(PositionID)' } };
    const error: unknown = await dynamodb.db.client
      .send(new TransactWriteCommand({ TransactItems: [lost] }))
      .catch((failure: unknown) => failure);
    expect(cancellationCodes(error)).toEqual(['ConditionalCheckFailed']);
    await expect(dynamodb.db.client.send(new PutCommand(lost.Put))).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
  });

  test('a missing table is waited for', async () => {
    await expect(
      dynamodb.db.client.send(new GetCommand({ TableName: 'test-NotThere', Key: base })),
    ).rejects.toMatchObject({ type: 'unavailable', message: expect.stringContaining('table is missing') });
  });
});

describe('the reasons of a cancelled transaction decide', () => {
  const cancelled = (...codes: string[]) =>
    new TransactionCanceledException({
      message: 'cancelled',
      $metadata: {},
      CancellationReasons: codes.map((Code) => ({ Code })),
    });

  test.each([
    [['None', 'ConditionalCheckFailed'], 'race'],
    [['TransactionConflict', 'None'], 'race'],
    [['ValidationError', 'ConditionalCheckFailed'], 'race'],
    [['None', 'ValidationError'], 'refused'],
    [['ItemCollectionSizeLimitExceeded'], 'refused'],
    [['AccessDenied'], 'refused'],
    [['ThrottlingError', 'ValidationError'], 'refused'],
    [['ThrottlingError', 'None'], 'away'],
    [['ProvisionedThroughputExceeded'], 'away'],
  ])('%j is %s', (codes, failure) => {
    expect(storeFailureOf(cancelled(...codes))).toBe(failure);
  });

  test.each([
    ['ThrottlingException', 'away'],
    ['ExpiredTokenException', 'away'],
    ['UnrecognizedClientException', 'away'],
    ['ResourceNotFoundException', 'away'],
    ['AccessDeniedException', 'refused'],
    ['ItemCollectionSizeLimitExceededException', 'refused'],
    ['ValidationException', 'refused'],
  ])('%s is %s', (name, failure) => {
    expect(
      storeFailureOf(Object.assign(new Error('no'), { name, $fault: 'client', $metadata: { httpStatusCode: 400 } })),
    ).toBe(failure);
  });

  test('a fault in our own code is none of them', () =>
    expect(storeFailureOf(new TypeError('x is undefined'))).toBeUndefined());
});
