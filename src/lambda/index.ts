import type { Context, KinesisStreamEvent } from 'aws-lambda';
import type { Consumer } from '../operations/platform/streams/consumer';
import type { ItemChange } from '../gateways/streams/tableStream';
import { DEVICE_DATA_STREAM, READINGS_STREAM } from '../domain/devices/workflows';
import { LEADERBOARD_STREAM } from '../domain/leaderboards/workflows';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../domain/platform/workflows';
import { httpHandler, type HttpHandler } from './http';
import { once, openProcess } from './process';
import { takeChanges, takeKinesis, type TableEvent } from './streams';

/** The functions of the stack: one bundle, a handler each. */
const opened = once(() => openProcess(process.env));
const served = once(async () => httpHandler(await opened()));

async function consumerOf<T>(stream: string) {
  const { graph } = await opened();
  const consumer = graph.consumers[stream];
  if (!consumer) throw new Error(`There is no consumer for ${stream}: its Kinesis stream is not configured`);
  return { graph, consumer: consumer as unknown as Consumer<T> };
}

const kinesis = (stream: string) => async (event: KinesisStreamEvent, context: Context) => {
  const { graph, consumer } = await consumerOf<Uint8Array>(stream);
  return takeKinesis(graph, consumer, event, context);
};
const table = (stream: string) => async (event: TableEvent, context: Context) => {
  const { graph, consumer } = await consumerOf<ItemChange>(stream);
  return takeChanges(graph, consumer, event, context);
};

/** API Gateway, HTTP API. */
export const api: HttpHandler = async (event, context) => (await served())(event, context);
/** Kinesis: transactions to decide, readings to store. */
export const transactions = kinesis(TRANSACTIONS_STREAM);
export const readings = kinesis(READINGS_STREAM);
/** Tables' streams: merchants' counters, ranks, rollups and alerts. */
export const merchants = table(TRANSACTION_HISTORY_STREAM);
export const ranks = table(LEADERBOARD_STREAM);
export const rollups = table(DEVICE_DATA_STREAM);
/** AWS IoT Core. */
export const iot = async (event: never): Promise<void> => (await opened()).graph.handlers['iot']?.(event);
