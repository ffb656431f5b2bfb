import { Problem } from './problem';

/** The required header `If-Match` in the OpenAPI document. */
export const ifMatchHeader = {
  name: 'If-Match',
  required: true,
  description: 'Version that was read (its ETag), for example "3"',
};

/**
 * Returns the version that If-Match names.
 * @throws Problem 428 if the header is missing, 400 if it is not the ETag of a version.
 */
export function versionOf(ifMatch: string | undefined): number {
  if (ifMatch === undefined)
    throw new Problem(
      428,
      'If-Match is missing. Send the version that you read (its ETag), so that no other change is overwritten',
    );
  const version = /^"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (version === undefined)
    throw new Problem(400, 'If-Match must be the ETag of a version, in quotes: "3"', {
      errors: [{ field: 'If-Match', message: 'must be like "3"' }],
    });
  return Number(version);
}

/** The optional header `If-Match` in the OpenAPI document. */
export const optionalIfMatchHeader = { ...ifMatchHeader, required: false };

/**
 * Returns the version that If-Match names, or an empty object without the header.
 * @throws Problem 400 if the header is not the ETag of a version.
 */
export function optionalVersionOf(ifMatch: string | undefined): { ifVersion?: number } {
  return ifMatch === undefined ? {} : { ifVersion: versionOf(ifMatch) };
}
