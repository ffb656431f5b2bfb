import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type {
  AttributeValue as EventValue,
  Context,
  DynamoDBRecord,
  DynamoDBStreamEvent,
  KinesisStreamEvent,
  KinesisStreamRecord,
  StreamRecord as EventChange,
} from 'aws-lambda';
import { defined } from '../domain/defined';
import type { Consumer } from '../operations/platform/streams/consumer';
import type { StreamRecord } from '../gateways/streams/source';
import type { ItemChange } from '../gateways/streams/tableStream';
import type { Graph } from '../graph';
import { dispatchOutbox } from './process';

/** Lambda's partial batch response. Lambda delivers the shard's records again, from the lowest listed position on. */
export interface PartialResponse {
  batchItemFailures: { itemIdentifier: string }[];
  /** State of a tumbling window. Longwatch stores nothing in it. */
  state?: Record<string, never>;
}

/** The event of a table's stream. It names its shard only if the event source mapping has a tumbling window. */
export type TableEvent = DynamoDBStreamEvent & { shardId?: string };

type Taking<T> = Pick<Consumer<T>, 'take' | 'shardName'>;
/** The part of the graph that stream handlers use. */
export type StreamGraph = Pick<Graph, 'outbox' | 'logger'>;

/** Milliseconds of an invocation's time that are reserved for the response. */
const ANSWER_MS = 2_000;

/** Processes the records of a Kinesis event. @returns the positions from which Lambda must deliver again */
export async function takeKinesis(
  graph: StreamGraph,
  consumer: Taking<Uint8Array>,
  event: KinesisStreamEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<PartialResponse> {
  const shards = new Map<string, StreamRecord<Uint8Array>[]>();
  for (const record of event.Records) {
    // Format: `shardId-000000000006:4959…`
    const id = record.eventID.split(':')[0] as string;
    const its = shards.get(id);
    if (its) its.push(kinesisRecord(record));
    else shards.set(id, [kinesisRecord(record)]);
  }
  return take(graph, consumer, shards, context);
}

/**
 * Processes the records of a table's stream.
 * @returns the position from which Lambda must deliver again
 * @throws Error if the event does not name its shard; without the shard, repeated records cannot be detected
 */
export async function takeChanges(
  graph: StreamGraph,
  consumer: Taking<ItemChange>,
  event: TableEvent,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<PartialResponse> {
  const records = event.Records ?? [];
  // The end of a tumbling window without records.
  if (records.length === 0) return { batchItemFailures: [], state: {} };
  if (!event.shardId)
    throw new Error('The event does not name its shard: give its event source mapping a TumblingWindowInSeconds');
  return { ...(await take(graph, consumer, new Map([[event.shardId, records.map(tableRecord)]]), context)), state: {} };
}

async function take<T>(
  graph: StreamGraph,
  consumer: Taking<T>,
  shards: ReadonlyMap<string, StreamRecord<T>[]>,
  context: Pick<Context, 'getRemainingTimeInMillis'>,
): Promise<PartialResponse> {
  const signal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - ANSWER_MS));
  const batchItemFailures: PartialResponse['batchItemFailures'] = [];
  for (const [id, records] of shards) {
    const { again, error } = await consumer.take(await consumer.shardName(id), records, signal);
    if (error !== undefined)
      graph.logger.error({ err: error, shard: id }, 'records could not be processed; Lambda delivers them again');
    if (again) batchItemFailures.push({ itemIdentifier: again.position });
  }
  await dispatchOutbox(graph);
  return { batchItemFailures };
}

function kinesisRecord({ kinesis }: KinesisStreamRecord): StreamRecord<Uint8Array> {
  return {
    position: kinesis.sequenceNumber,
    arrivedAt: Math.round(kinesis.approximateArrivalTimestamp * 1000),
    data: Buffer.from(kinesis.data, 'base64'),
  };
}

function tableRecord({ dynamodb = {} }: DynamoDBRecord): StreamRecord<ItemChange> {
  const { OldImage, NewImage, SequenceNumber = '', ApproximateCreationDateTime = 0 } = dynamodb;
  const [before, after] = [image(OldImage), image(NewImage)];
  return {
    position: SequenceNumber,
    arrivedAt: Math.round(ApproximateCreationDateTime * 1000),
    data: defined({ before, after }),
  };
}

function image(attributes: EventChange['NewImage']): Record<string, unknown> | undefined {
  return (
    attributes &&
    unmarshall(Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, withBytes(value)])))
  );
}

/** The event is JSON and encodes binary attributes as base64, so decode them. */
function withBytes(value: EventValue): AttributeValue {
  if (value.B !== undefined) return { B: Buffer.from(value.B, 'base64') };
  if (value.BS !== undefined) return { BS: value.BS.map((one) => Buffer.from(one, 'base64')) };
  if (value.L !== undefined) return { L: value.L.map(withBytes) };
  if (value.M !== undefined)
    return { M: Object.fromEntries(Object.entries(value.M).map(([name, one]) => [name, withBytes(one)])) };
  return value as AttributeValue;
}
