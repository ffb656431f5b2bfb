import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { documentClient } from '../../src/stores/documentClient';
import { answerOf, requestText, UnstorableError } from '../../src/stores/documentJson';

/** What the last request of the SDK had as its body, and what answers it. */
let sent: string;
let answer: string;
const sdk = documentClient(
  new DynamoDBClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: {
      handle: async ({ body }: { body: Uint8Array }) => {
        sent = new TextDecoder().decode(body);
        return { response: { statusCode: 200, headers: {}, body: Buffer.from(answer) } };
      },
    } as never,
  }),
);
beforeEach(() => (answer = '{}'));

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.constantFrom('Key', 'Item', 'Keys', 'Items', 'S', 'M', 'N', 'Responses', 'RequestItems', 'Key"\\é😀'),
);
const isFreeName = (one: string) => one !== '__proto__';
const bytes = fc.uint8Array({ maxLength: 12 });
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
  fc.constantFrom(0, -0, 1e-130, 0.1, 1e-7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.toWellFormed()),
  number,
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
  bytes,
  bytes.map((one) => Buffer.from(one)),
  fc.uniqueArray(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 3 }).map((all) => new Set(all)),
  fc.uniqueArray(number, { minLength: 1, maxLength: 3 }).map((all) => new Set(all)),
  fc.array(bytes, { minLength: 1, maxLength: 3 }).map((all) => new Set(all)),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(fc.oneof(tie('value'), fc.constant(undefined)), { maxLength: 3 }),
    fc.dictionary(name.filter(isFreeName), fc.oneof(tie('value'), fc.constant(undefined)), { maxKeys: 3 }),
    fc.array(fc.tuple(name.filter(isFreeName), tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
  ),
}));
const document = fc.dictionary(name.filter(isFreeName), value, { maxKeys: 4 });
const table = fc.constantFrom('Users', 'Key', 'Item', 'RequestItems');
const filled = { minLength: 1, maxLength: 3 };
const update = fc.record({
  TableName: table,
  Key: document,
  UpdateExpression: fc.string({ unit: 'grapheme' }),
  ExpressionAttributeNames: fc.dictionary(name.filter(isFreeName), fc.string(), { maxKeys: 2 }),
  ExpressionAttributeValues: document,
});
const commands = fc.oneof(
  fc.record({ TableName: table, Key: document, ConsistentRead: fc.boolean() }).map((input) => new GetCommand(input)),
  fc
    .record({ TableName: table, Item: document, ReturnConsumedCapacity: fc.constant('TOTAL' as const) })
    .map((input) => new PutCommand(input)),
  fc.record({ TableName: table, Key: document }).map((input) => new DeleteCommand(input)),
  update.map((input) => new UpdateCommand(input)),
  fc
    .record({ TableName: table, Limit: fc.nat(), ExpressionAttributeValues: document, ExclusiveStartKey: document })
    .map((input) => new QueryCommand(input)),
  fc
    .record({ TableName: table, Segment: fc.nat(), ExclusiveStartKey: document }, { requiredKeys: ['TableName'] })
    .map((input) => new ScanCommand(input)),
  fc
    .dictionary(table, fc.record({ Keys: fc.array(document, filled), ConsistentRead: fc.boolean() }), {
      minKeys: 1,
      maxKeys: 2,
    })
    .map((RequestItems) => new BatchGetCommand({ RequestItems })),
  fc
    .dictionary(
      table,
      fc.array(
        fc.oneof(
          document.map((Item) => ({ PutRequest: { Item } })),
          document.map((Key) => ({ DeleteRequest: { Key } })),
        ),
        filled,
      ),
      { minKeys: 1, maxKeys: 2 },
    )
    .map((RequestItems) => new BatchWriteCommand({ RequestItems })),
  fc
    .array(
      fc.oneof(
        update.map((Update) => ({ Update })),
        fc.record({ TableName: table, Item: document }).map((Put) => ({ Put })),
        fc.record({ TableName: table, Key: document }).map((Delete) => ({ Delete })),
        fc
          .record({ TableName: table, Key: document, ConditionExpression: fc.string() })
          .map((ConditionCheck) => ({ ConditionCheck })),
      ),
      filled,
    )
    .map((TransactItems) => new TransactWriteCommand({ TransactItems, ClientRequestToken: 'token' })),
);

it('a request has the same content as the SDK sends for it', () =>
  fc.assert(
    fc.asyncProperty(commands, async (command) => {
      const text = requestText(command.input);
      await sdk.send(command as never);
      expect(JSON.parse(text)).toEqual(JSON.parse(sent));
    }),
    { numRuns: 1_000 },
  ));

/** The text of a document in an answer. */
const stored = document.map((one) =>
  JSON.parse(
    requestText({ Item: one }).replace(/^\{"Item":|\}$/g, (part, at: number) => (at === 0 || part === '}' ? '' : part)),
  ),
);

it('an answer is read as the SDK reads it', async () => {
  const capacity = [{ TableName: 'Item', CapacityUnits: 1.5 }];
  await fc.assert(
    fc.asyncProperty(stored, stored, fc.array(stored, { maxLength: 2 }), async (one, other, many) => {
      const answers: [GetCommand | QueryCommand | BatchGetCommand | BatchWriteCommand | UpdateCommand, object][] = [
        [new GetCommand({ TableName: 't', Key: {} }), { Item: one, ConsumedCapacity: capacity[0] }],
        [new UpdateCommand({ TableName: 't', Key: {} }), { Attributes: one }],
        [
          new QueryCommand({ TableName: 't' }),
          { Items: [one, ...many], Count: many.length + 1, LastEvaluatedKey: other },
        ],
        [
          new BatchGetCommand({ RequestItems: {} }),
          {
            Responses: { Item: [one], Items: many },
            UnprocessedKeys: { Key: { Keys: [other], ConsistentRead: true, ProjectionExpression: 'Item' } },
            ConsumedCapacity: capacity,
          },
        ],
        [
          new BatchWriteCommand({ RequestItems: {} }),
          { UnprocessedItems: { Items: [{ PutRequest: { Item: one } }, { DeleteRequest: { Key: other } }] } },
        ],
      ];
      for (const [command, given] of answers) {
        answer = JSON.stringify(given);
        const { $metadata, ...expected } = (await sdk.send(command as never)) as { $metadata: unknown };
        expect($metadata).toBeDefined();
        expect(answerOf(answer)).toEqual(expected);
      }
    }),
    { numRuns: 300 },
  );
});

it.each(['{"N":"1"}', '{"M":{"a":{"N":"1"}}}', '{"L":[{"M":{"__proto__":{"S":"x"}}}]}'])(
  'a key __proto__ with %s is left out, as by the SDK, and becomes no prototype',
  async (odd) => {
    answer = `{"Item":{"a":{"N":"2"},"__proto__":${odd},"b":{"M":{"__proto__":${odd},"c":{"N":"3"}}}}}`;
    const { Item: expected } = await sdk.send(new GetCommand({ TableName: 't', Key: {} }));
    const { Item: item } = answerOf(answer) as { Item: Record<string, unknown> };
    for (const path of [(one: object) => one, (one: object) => (one as { b: object }).b]) {
      expect(Object.keys(path(item))).toEqual(Object.keys(path(expected!)));
      expect(Object.getPrototypeOf(path(item))).toBe(Object.prototype);
    }
  },
);

it.each([
  ['a number that is not finite', Number.NaN],
  ['a number that is not finite', Number.POSITIVE_INFINITY],
  ['a number that is not exact', 2 ** 60],
  ['an empty set', new Set()],
  ['a set of several types', new Set([{}])],
  ['an instance of a class', new URL('http://a.test')],
  ['a symbol', Symbol('a')],
])('%s is refused, as the SDK refuses it', async (_what, unstorable) => {
  for (const Item of [{ a: unstorable }, { a: [{ b: unstorable }] }]) {
    const cause = (() => {
      try {
        requestText({ TableName: 't', Item });
      } catch (error) {
        expect(error).toBeInstanceOf(UnstorableError);
        return (error as Error).cause as Error;
      }
      throw new Error('It was taken');
    })();
    expect(() => marshall(Item as never, { removeUndefinedValues: true })).toThrow(cause.message);
  }
});

it('a value that is nested too deeply is refused', () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(() => requestText({ Item: { deep } })).toThrow(UnstorableError);
});
