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

/** A command of the SDK's document client. */
export interface Command {
  input: object;
  constructor: { name: string };
}

/** DynamoDB's names of the operations on items, by their command. */
const OPERATIONS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [BatchGetCommand, 'BatchGetItem'],
  [BatchWriteCommand, 'BatchWriteItem'],
  [DeleteCommand, 'DeleteItem'],
  [GetCommand, 'GetItem'],
  [PutCommand, 'PutItem'],
  [QueryCommand, 'Query'],
  [ScanCommand, 'Scan'],
  [TransactWriteCommand, 'TransactWriteItems'],
  [UpdateCommand, 'UpdateItem'],
]);

/** Returns DynamoDB's name of an operation on items: `TransactWriteItems`, … Returns undefined for other operations. */
export function itemOperation(command: Command): string | undefined {
  return OPERATIONS.get(command.constructor);
}
