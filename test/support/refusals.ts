import { DocumentClient } from '../../src/stores/documentClient';
import { typedStoreFailure } from '../../src/stores/failures';

/** One call to DynamoDB as a test sees it before it goes out. */
export interface SeenCall {
  /** `TransactWrite`, `Put`, `BatchWrite`, … */
  operation: string;
  /** The tables that it names, without their prefix, each once. */
  tables: string[];
  /** All of it as text, by which a marked record is recognised. */
  text: string;
}

/** Says of each call whether DynamoDB refuses it. */
type Refusing = (call: SeenCall) => boolean;

let refusing: Refusing | undefined;
let answer: () => unknown;
let isPatched = false;

/** What DynamoDB says of a value that it does not store, sorted as the real one is. */
const refusal = () =>
  typedStoreFailure(
    Object.assign(new Error('refused by the test'), {
      name: 'ValidationException',
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    }),
  );

/** What DynamoDB says where the process lacks a grant. */
const denial = () =>
  typedStoreFailure(
    Object.assign(new Error('not authorized to perform'), {
      name: 'AccessDeniedException',
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    }),
  );

/** Every call of this process that `refuse` chooses fails as one that DynamoDB will never take, while `work` runs. */
export const whileRefusing = <T>(refuse: Refusing, work: () => Promise<T>): Promise<T> =>
  whileAnswering(refuse, refusal, work);

/** As `whileRefusing`, but it is a grant that is missing: a fault of the installation, and no record's. */
export const whileDenying = <T>(refuse: Refusing, work: () => Promise<T>): Promise<T> =>
  whileAnswering(refuse, denial, work);

async function whileAnswering<T>(refuse: Refusing, made: () => unknown, work: () => Promise<T>): Promise<T> {
  patch();
  refusing = refuse;
  answer = made;
  try {
    return await work();
  } finally {
    refusing = undefined;
  }
}

function patch(): void {
  if (isPatched) return;
  isPatched = true;
  const { send } = DocumentClient.prototype;
  DocumentClient.prototype.send = function (this: DocumentClient, ...args: Parameters<typeof send>) {
    return refusing?.(seen(args[0])) ? Promise.reject(answer()) : send.apply(this, args);
  };
}

function seen(command: { constructor: { name: string }; input: object }): SeenCall {
  const {
    TableName,
    RequestItems = {},
    TransactItems = [],
  } = command.input as {
    TableName?: string;
    RequestItems?: object;
    TransactItems?: Record<string, { TableName?: string }>[];
  };
  const names = [
    TableName,
    ...Object.keys(RequestItems),
    ...TransactItems.flatMap((item) => Object.values(item).map((part) => part.TableName)),
  ];
  return {
    operation: command.constructor.name.replace(/Command$/, ''),
    tables: [...new Set(names.flatMap((name) => (name === undefined ? [] : [name.replace(/^test-/, '')])))],
    text: JSON.stringify(command.input, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  };
}
