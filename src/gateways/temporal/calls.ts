import {
  isGrpcServiceError,
  type WorkflowClientInterceptor,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/client';
import { type Headers, ValueError } from '@temporalio/common';
import { type CallResult, type CallWatch, watched } from '../../telemetry/calls';
import { currentCarrier } from '../../telemetry/carrier';
import { carrierHeader } from '../../domain/platform/carrierHeader';

/** gRPC status codes: https://grpc.io/docs/guides/status-codes/ */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
/** INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, FAILED_PRECONDITION */
const REFUSALS = new Set([3, 5, 6, 7, 9]);

/**
 * Returns a client interceptor that measures calls about workflows. It passes the current request id and trace to
 * workflows that are started.
 */
export function watchedWorkflows(watch: CallWatch | undefined): WorkflowClientInterceptor {
  const call = <T>(operation: string, work: () => Promise<T>): Promise<T> =>
    watched(watch, { gateway: 'temporal', operation, resultOf }, work);
  return {
    startWithDetails: (input, next) =>
      call('StartWorkflow', () => next({ ...input, headers: { ...input.headers, ...currentHeader() } })),
    startUpdate: (input, next) => call('UpdateWorkflow', () => next(input)),
    signal: (input, next) => call('SignalWorkflow', () => next(input)),
    query: (input, next) => call('QueryWorkflow', () => next(input)),
    describe: (input, next) => call('DescribeWorkflow', () => next(input)),
    terminate: (input, next) => call('TerminateWorkflow', () => next(input)),
    cancel: (input, next) => call('CancelWorkflow', () => next(input)),
  };
}

function currentHeader(): Headers {
  const carrier = currentCarrier();
  return carrier === undefined ? {} : carrierHeader(carrier);
}

/**
 * Returns whether Temporal will never accept a request: an argument is invalid or too large. An unknown search
 * attribute is temporary, because every worker adds the missing ones when it starts.
 */
export function isRefusedByTemporal(error: unknown): boolean {
  if (error instanceof ValueError) return true;
  const cause = isGrpcServiceError(error) ? error : (error as Error | undefined)?.cause;
  if (!isGrpcServiceError(cause)) return false;
  if (cause.code === INVALID_ARGUMENT) return !/search attribute/i.test(cause.details);
  return cause.code === RESOURCE_EXHAUSTED && /larger than max/i.test(cause.details);
}

function resultOf(error: unknown): CallResult {
  if (error instanceof WorkflowExecutionAlreadyStartedError || (error as Error).name === 'WorkflowNotFoundError')
    return 'refused';
  if (/Timeout/.test((error as Error).name)) return 'late';
  const cause = isGrpcServiceError(error) ? error : (error as Error).cause;
  if (!isGrpcServiceError(cause)) return 'failed';
  if (cause.code === DEADLINE_EXCEEDED) return 'late';
  if (cause.code === RESOURCE_EXHAUSTED) return 'throttled';
  return REFUSALS.has(cause.code) ? 'refused' : 'failed';
}
