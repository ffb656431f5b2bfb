import { Context } from '@temporalio/activity';
import { asFailure } from '../failures';
import type { SessionSweeper } from '../../operations/sessions/sweeper';
import type { SessionActivities } from './types';

export interface SessionActivityParts {
  sweeper: Pick<SessionSweeper, 'sweep'>;
}

export function sessionActivities({ sweeper }: SessionActivityParts): SessionActivities {
  return {
    sweepSessions: async (bucket, forMs) => {
      const { cancellationSignal: signal } = Context.current();
      const report = await asFailure(() => sweeper.sweep(String(bucket), { signal, forMs }));
      // On a shutdown the answer is refused, so that another worker goes on at once.
      signal.throwIfAborted();
      return report;
    },
  };
}
