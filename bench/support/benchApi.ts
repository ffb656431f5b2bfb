import { type RunningApi, startApi } from '../../test/support/api';
import type { FloorSettings } from './floor';

/** Key of the role admin. */
export const BENCH_KEY = 'bench-key-0123456789';

/** Starts an API process on the parts of a running stack, with deadlines that no busy machine exceeds. */
export function startBenchApi({ dynamodb, sagemaker, temporal }: FloorSettings['addresses']): Promise<RunningApi> {
  return startApi({
    DYNAMODB_ENDPOINT: dynamodb,
    SAGEMAKER_ENDPOINT: sagemaker,
    TEMPORAL_ADDRESS: temporal,
    LONGWATCH_API_KEYS: `bench:admin:${BENCH_KEY}`,
    LONGWATCH_CALLER_LIMITS: 'none',
    LONGWATCH_SIGNING_SECRET: 'only for a bench of some minutes, on this machine',
    LONGWATCH_LOG_LEVEL: 'error',
    LONGWATCH_MODEL_DEADLINE_MS: '10000',
    LONGWATCH_DECISION_DEADLINE_MS: '20000',
  });
}

/** Returns the sum of the series of a counter whose labels contain a text. */
export async function counterOf({ url }: RunningApi, name: string, labels = ''): Promise<number> {
  const answer = await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${BENCH_KEY}` } });
  let sum = 0;
  for (const line of (await answer.text()).split('\n')) {
    const [series = '', value] = line.split(/ (?=[^ ]*$)/);
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(labels)) sum += Number(value);
  }
  return sum;
}

/** Returns the processor time of an API process since its start, in milliseconds. */
export const cpuMsOf = async (api: RunningApi): Promise<number> =>
  (await counterOf(api, 'process_cpu_seconds_total')) * 1_000;
