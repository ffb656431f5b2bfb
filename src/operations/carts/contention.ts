import { LongwatchError } from '../../domain/errors';

/** Maximum attempts of a request whose items other requests write at the same time. Pauses between them have jitter. */
export const ATTEMPTS = 25;

/** Returns the error after the last attempt: 503 with `Retry-After`. @param what "The cart of ada is" */
export const busy = (what: string): LongwatchError => new LongwatchError('contention', `${what} busy; try again`);
