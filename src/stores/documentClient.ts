import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { type DirectAnswer, DirectCalls } from '../gateways/aws/directCalls';
import { answerOf, requestText } from './documentJson';
import { type Command, itemOperation } from './itemOperations';

/** The part of the SDK's document client that stores use. */
export type DocumentSender = Pick<DynamoDBDocumentClient, 'send'>;

/** Returns the SDK's document client as the stores use it: attributes that are undefined are left out. */
export const documentClient = (client: DynamoDBClient): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

const API = 'DynamoDB_20120810';
const CONTENT_TYPE = 'application/x-amz-json-1.0';
/** Upper end of the random pause before the SDK repeats a failed call, as the SDK itself pauses. Milliseconds. */
const LONGEST_PAUSE_MS = 100;

interface SendOptions {
  abortSignal?: AbortSignal;
}

/**
 * Sends the commands of the SDK's document client with a fraction of its processor time: operations of items are sent
 * directly (`DirectCalls`), with their documents written as text at once (`documentJson`). If the first attempt fails
 * other than by a condition, the SDK repeats the call: it decides what to retry, how often and when, and which error it
 * is.
 */
export class DocumentClient implements DocumentSender {
  private readonly direct: DirectCalls;

  constructor(private readonly document: DynamoDBDocumentClient) {
    this.direct = new DirectCalls(document, () => API);
  }

  /**
   * Sends a command, as the document client of the SDK does.
   * @throws UnstorableError; the error of the SDK
   */
  async send(command: Command, options: object = {}): Promise<never> {
    return (await this.answer(command, options as SendOptions)) as never;
  }

  private async answer(command: Command, options: SendOptions): Promise<object> {
    const operation = itemOperation(command);
    if (operation === undefined) return this.document.send(command as never, options);
    const input = command.input as { ClientRequestToken?: string };
    // The token makes a repeated transaction idempotent, also when the SDK repeats it.
    if (operation === 'TransactWriteItems') input.ClientRequestToken ??= randomUUID();
    const body = requestText(input);
    return (await this.sendDirectly(operation, body, options)) ?? this.document.send(command as never, options);
  }

  /** @returns undefined if the SDK has to make the call. */
  private async sendDirectly(operation: string, body: string, { abortSignal }: SendOptions) {
    let answer: DirectAnswer | undefined;
    try {
      const headers = { 'content-type': CONTENT_TYPE, 'x-amz-target': `${API}.${operation}` };
      answer = await this.direct.call({ resource: API, headers, body, abortSignal });
    } catch (error) {
      if (abortSignal?.aborted) throw Object.assign(error as Error, { name: 'AbortError' });
      await pause();
      return undefined;
    }
    if (!answer) return undefined;
    if (answer.status === 200) return answerOf(answer.body);
    const failure = failedConditionOf(answer);
    if (failure) throw failure;
    await pause();
    return undefined;
  }
}

const pause = (): Promise<void> => sleep(Math.random() * LONGEST_PAUSE_MS);

/** Returns the SDK's error of a failed condition or a conflict, or undefined for any other failure. */
function failedConditionOf({ status, body, headers }: DirectAnswer): Error | undefined {
  let answer;
  try {
    answer = answerOf(body) as {
      __type?: string;
      message?: string;
      Message?: string;
      Item?: object;
      CancellationReasons?: { Code?: string; Message?: string; Item?: object }[];
    };
  } catch {
    return undefined;
  }
  const { __type = '', message = answer.Message ?? '', Item, CancellationReasons = [] } = answer;
  const requestId = headers['x-amzn-requestid'];
  const shared = {
    message,
    $metadata: { httpStatusCode: status, attempts: 1, ...(requestId !== undefined && { requestId }) },
  };
  // The SDK leaves the items of errors in attribute values.
  const raw = (item: object | undefined) => item && { Item: marshall(item) };
  switch (__type.split('#').at(-1)) {
    case 'ConditionalCheckFailedException':
      return new ConditionalCheckFailedException({ ...shared, ...raw(Item) });
    case 'TransactionConflictException':
      return new TransactionConflictException(shared);
    case 'TransactionCanceledException':
      return new TransactionCanceledException({
        ...shared,
        CancellationReasons: CancellationReasons.map(({ Item: item, ...reason }) => ({ ...reason, ...raw(item) })),
      });
    default:
      return undefined;
  }
}
