import type { Context, KinesisStreamEvent } from 'aws-lambda';
import type { ItemChange } from '../gateways/streams/tableStream';
import { capabilities } from '../graph/capabilities';
import type { LambdaFunctionSpec } from '../graph/capability';
import type { Consumer } from '../operations/platform/streams/consumer';
import { httpHandler, type HttpHandler } from './http';
import { once, openProcess } from './process';
import { takeChanges, takeKinesis, type TableEvent } from './streams';

/** The process of the stack's functions. All functions are in one bundle; each has its handler. */
const opened = once(() => openProcess(process.env));
const served = once(async () => httpHandler(await opened()));

async function consumerOf<T>(stream: string) {
  const { graph } = await opened();
  const consumer = graph.consumers[stream];
  if (!consumer)
    throw new Error(
      `There is no consumer for ${stream}: its capability is not chosen, or its Kinesis stream is not configured`,
    );
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
const named = (name: string) => async (event: never) => (await opened()).graph.handlers[name]?.(event);

function handlerOf({ name, source, stream }: LambdaFunctionSpec) {
  if (stream === undefined || source === 'iot') return named(name);
  return 'kinesis' in source ? kinesis(stream) : table(stream);
}

/** Serves the API behind an API Gateway HTTP API. */
const api: HttpHandler = async (event, context) => (await served())(event, context);

/** Handlers by function name: the API and the functions of the capabilities. The bundle exports them. */
export const handlers = {
  api,
  ...Object.fromEntries(
    capabilities.flatMap(({ functions = [] }) => functions).map((one) => [one.name, handlerOf(one)]),
  ),
};
