import { randomUUID } from 'node:crypto';

const VALID = /^[A-Za-z0-9_.:-]{1,64}$/;

/** Returns the id of a request: that of the caller's `X-Request-Id` if it is valid, else a new one. */
export const requestIdOf = (given: string | undefined): string =>
  given !== undefined && VALID.test(given) ? given : randomUUID();
