import { convertToAttr, convertToNative } from '@aws-sdk/util-dynamodb';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/*
 * The JSON of DynamoDB's protocol, to and from JavaScript values. The document client of the SDK makes a tree of
 * attribute values first and text from it; here the text is written at once. The rare types (sets, big numbers, other
 * classes) still go through the SDK's own conversion, so that both accept and refuse the same values.
 */

type Tree = Record<string, unknown>;

/**
 * DynamoDB's types cannot hold a value: a number that is not finite or not exact, an empty set, an instance of a class,
 * or a value that is nested too deeply. The cause says which; its message may quote the value.
 */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError';
}

/** Members of a request or an answer that are a document: names with their values. */
const DOCUMENTS = new Set(['Key', 'Item', 'ExpressionAttributeValues', 'ExclusiveStartKey']);
const ANSWERED_DOCUMENTS = new Set(['Item', 'Attributes', 'LastEvaluatedKey', 'Key']);

/**
 * Returns the JSON text of a command's input, whose documents are JavaScript values. Members that are undefined are
 * left out, in documents, too.
 * @throws UnstorableError
 */
export function requestText(input: object): string {
  try {
    return structText(input as Tree);
  } catch (cause) {
    throw new UnstorableError('A value cannot be stored in DynamoDB', { cause });
  }
}

function structText(struct: Tree): string {
  return objectText(struct, (name, value) => {
    if (DOCUMENTS.has(name)) return documentText(value as Tree);
    if (name === 'ExpressionAttributeNames') return JSON.stringify(value);
    if (name === 'Keys') return arrayText(value as unknown[], (key) => documentText(key as Tree));
    if (name === 'RequestItems') return objectText(value as Tree, (_table, requests) => partText(requests));
    return partText(value);
  });
}

const partText = (value: unknown): string =>
  Array.isArray(value)
    ? arrayText(value, partText)
    : typeof value === 'object' && value !== null
      ? structText(value as Tree)
      : JSON.stringify(value);

const documentText = (document: Tree): string => objectText(document, (_name, value) => attributeText(value));

function objectText(object: Tree, textOf: (name: string, value: unknown) => string): string {
  let text = '';
  for (const name in object) {
    const value = object[name];
    if (value === undefined || typeof value === 'function') continue;
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${textOf(name, value)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

function arrayText(array: readonly unknown[], textOf: (value: unknown) => string): string {
  let text = '';
  for (const value of array) {
    if (value === undefined || typeof value === 'function') continue;
    text += `${text === '' ? '[' : ','}${textOf(value)}`;
  }
  return text === '' ? '[]' : `${text}]`;
}

function attributeText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `{"S":${JSON.stringify(value)}}`;
    case 'number':
      if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return `{"N":"${value}"}`;
      break;
    case 'boolean':
      return `{"BOOL":${value}}`;
    case 'object':
      if (value === null) return '{"NULL":true}';
      if (Array.isArray(value)) return `{"L":${arrayText(value, attributeText)}}`;
      if (Object.getPrototypeOf(value) === Object.prototype) return `{"M":${documentText(value as Tree)}}`;
      break;
  }
  return treeText(convertToAttr(value as never, { removeUndefinedValues: true }));
}

/** Returns the JSON of an attribute value, with binary values in Base64. */
function treeText(tree: AttributeValue): string {
  if (tree.B !== undefined) return `{"B":"${base64(tree.B)}"}`;
  if (tree.BS !== undefined) return `{"BS":${JSON.stringify(tree.BS.map(base64))}}`;
  if (tree.L !== undefined) return `{"L":${arrayText(tree.L, (one) => treeText(one as AttributeValue))}}`;
  if (tree.M !== undefined) return `{"M":${objectText(tree.M, (_, one) => treeText(one as AttributeValue))}}`;
  return JSON.stringify(tree);
}

const base64 = (bytes: Uint8Array | ArrayBuffer): string =>
  (ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes)
  ).toString('base64');

/**
 * Parses the JSON text of an answer and converts its documents to JavaScript values: sets become `Set`, binary values
 * `Uint8Array`, integers that a number cannot hold `bigint`.
 */
export function answerOf(text: string): Tree {
  return structOf(JSON.parse(text) as Tree);
}

function structOf(struct: Tree): Tree {
  for (const name in struct) {
    const value = struct[name];
    if (typeof value !== 'object' || value === null) continue;
    if (ANSWERED_DOCUMENTS.has(name)) struct[name] = documentOf(value as Tree);
    else if (name === 'Items' || name === 'Keys') struct[name] = (value as Tree[]).map(documentOf);
    else if (name === 'Responses') struct[name] = mapped(value as Record<string, Tree[]>, (all) => all.map(documentOf));
    else if (name === 'UnprocessedKeys' || name === 'UnprocessedItems')
      for (const requests of Object.values(value as Tree)) partOf(requests);
    else if (name !== 'ConsumedCapacity') partOf(value);
  }
  return struct;
}

const mapped = <T, R>(byTable: Readonly<Record<string, T>>, of: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(byTable).map(([table, value]) => [table, of(value)]));

function partOf(value: unknown): void {
  if (Array.isArray(value)) value.forEach(partOf);
  else if (typeof value === 'object' && value !== null) structOf(value as Tree);
}

/** Returns the JavaScript values of a document. A name `__proto__` is left out. */
function documentOf(document: Tree): Tree {
  const values: Tree = {};
  for (const name in document) if (name !== '__proto__') values[name] = nativeOf(document[name] as Tree);
  return values;
}

function nativeOf(attribute: Tree): unknown {
  for (const type in attribute) {
    const value = attribute[type];
    switch (type) {
      case 'S':
        return value;
      case 'N': {
        const number = Number(value);
        return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : convertToNative(attribute as never);
      }
      case 'M':
        return documentOf(value as Tree);
      case 'L':
        return (value as Tree[]).map(nativeOf);
      case 'B':
        return bytesOf(value as string);
      case 'BS':
        return new Set((value as string[]).map(bytesOf));
      default:
        return convertToNative(attribute as never);
    }
  }
  return convertToNative(attribute as never);
}

function bytesOf(text: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64');
  return new Uint8Array(buffer, byteOffset, byteLength);
}
