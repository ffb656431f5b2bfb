import type { Services } from './capability';

/** Makes the functions with which background work reports failures: to the log, the metrics and the overview page. */
export function faultReports({
  logger,
  metrics,
  letters,
  note,
}: Pick<Services, 'logger' | 'metrics' | 'letters' | 'note'>): Pick<Services, 'onFault' | 'onSkipped' | 'keepLetters'> {
  return {
    onFault: (error) => logger.warn({ err: error }, 'a background task failed and will be retried'),

    onSkipped(work) {
      metrics.skips.begin(work);
      return (entity, error) => {
        metrics.skips.skipped(work);
        const text = `${work} was skipped for one, because a step was refused for good`;
        note({ area: 'platform', tone: 'problem', text });
        logger.error({ err: error, work, entity }, 'an entity was skipped, because a step for it was refused for good');
      };
    },

    async keepLetters(some) {
      await letters.keep(some);
      for (const { source, shardId, position, reason } of some) {
        metrics.streams.deadLetters(source, 1);
        const text = `what came by ${source} could not be processed: a dead letter`;
        note({ area: 'platform', tone: 'problem', text });
        logger.error({ source, shard: shardId, position, reason }, 'what fails for good was kept as a dead letter');
      }
    },
  };
}
