import { S3ServiceException } from '@aws-sdk/client-s3';
import { isWireFault } from '../awsHttp';
import { LongwatchError } from '../../domain/errors';

/**
 * The same request may be taken later: overload, a connection that was slow or cut, credentials that expired or are not
 * known yet, a wrong clock.
 */
const PASSING =
  /^(SlowDown|Throttl|RequestLimitExceeded|RequestTimeout|RequestTimeTooSkewed|BadDigest|IncompleteBody|OperationAborted|NoSuchUpload|Expired|TokenRefreshRequired|InvalidAccessKeyId|InvalidToken|SignatureDoesNotMatch|CredentialsProviderError)/;
/** An operator's matter: a grant or the bucket is missing. */
const OURS =
  /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|InvalidBucketName|NoSuchBucket|PermanentRedirect)/;

/**
 * Sorts a failed S3 call as `stores/failures.ts` sorts DynamoDB's. `unavailable`: S3 does not answer, is overloaded, or
 * does not
 * know the credentials; a retry may help. `refused`: S3 will never take the request (too large, invalid, denied, no
 * such bucket).
 * @returns other errors as they are: faults of our own code, and those of whatever makes the content.
 */
export function typedObjectFailure(error: unknown, bucket: string, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  if (isWireFault(error) || PASSING.test(name) || $fault === 'server' || ($metadata?.httpStatusCode ?? 0) >= 500)
    return new LongwatchError(
      'unavailable',
      `The bucket ${bucket} ${error instanceof S3ServiceException ? `did not take ${what} (${name})` : 'cannot be reached'}; retry later`,
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
  return new LongwatchError('refused', `S3 will never take ${what} of the bucket ${bucket} (${name}): ${message}`, {
    cause: error,
  });
}
