import { DefaultFailureConverter } from '@temporalio/common';

/** Puts messages and stack traces of failures where codecs reach them; in use where payloads are encrypted. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
