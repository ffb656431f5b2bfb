import { S3ServiceException } from '@aws-sdk/client-s3';
import { isWireFault } from '../aws/http';
import { LongwatchError } from '../../domain/errors';

/**
 * Names of temporary errors: overload, a slow or lost connection, credentials that expired or are not yet known, a
 * wrong clock.
 */
const PASSING = new RegExp(
  '^(SlowDown|Throttl|RequestLimitExceeded|RequestTimeout|RequestTimeTooSkewed|BadDigest|IncompleteBody|' +
    'OperationAborted|NoSuchUpload|Expired|TokenRefreshRequired|InvalidAccessKeyId|InvalidToken|' +
    'SignatureDoesNotMatch|CredentialsProviderError)',
);
/** Names of errors that an operator must fix: a missing permission or bucket. */
const OURS =
  /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|InvalidBucketName|NoSuchBucket|PermanentRedirect)/;

/**
 * Converts the error of an S3 call to a LongwatchError, as `stores/failures.ts` does for DynamoDB. `unavailable`: S3
 * does not answer, is overloaded, or does not know the credentials; a retry may help. `refused`: S3 will never accept
 * the request (too large, invalid, denied, no such bucket).
 * @returns the LongwatchError; other errors unchanged: bugs, and errors of the code that generates the content
 */
export function typedS3Failure(error: unknown, bucket: string, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  if (isWireFault(error) || PASSING.test(name) || $fault === 'server' || ($metadata?.httpStatusCode ?? 0) >= 500)
    return new LongwatchError(
      'unavailable',
      `The bucket ${bucket} ` +
        (error instanceof S3ServiceException ? `did not accept ${what} (${name})` : 'cannot be reached') +
        '; retry later',
      { retryAfterSeconds: 1, cause: error },
    );
  if (!(error instanceof S3ServiceException)) return error;
  if (OURS.test(name))
    return new LongwatchError(
      'refused',
      `S3 refused ${what} of the bucket ${bucket} (${name}): create the bucket, or grant this process the call ` +
        '(deploy/access.ts)',
      { cause: error, isOurFault: true },
    );
  return new LongwatchError('refused', `S3 permanently refused ${what} in the bucket ${bucket} (${name}): ${message}`, {
    cause: error,
  });
}
