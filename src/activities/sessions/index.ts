import { Context } from '@temporalio/activity';
import { asFailure } from '../failures';
import type { SessionSweeper } from '../../operations/sessions/sweeper';
import type { SessionActivities } from './types';

/** The operations that the activities of sessions use. */
export interface SessionActivityParts {
  sweeper: Pick<SessionSweeper, 'sweep'>;
}

/** Returns the activities of sessions. */
export function sessionActivities({ sweeper }: SessionActivityParts): SessionActivities {
  return {
    sweepSessions: async (bucket, forMs) => {
      const { cancellationSignal: signal } = Context.current();
      const report = await asFailure(() => sweeper.sweep(String(bucket), { signal, forMs }));
      // On a shutdown the attempt fails in place of returning its report, so that another worker continues at once.
      signal.throwIfAborted();
      return report;
    },
  };
}
