import { DefaultFailureConverter } from '@temporalio/common';

/** Encodes messages and stack traces of failures as payloads, so that the codec encrypts them. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
