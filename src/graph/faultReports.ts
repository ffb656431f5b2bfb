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
        const text = `${work}: an entity was skipped, because its step was refused permanently`;
        note({ area: 'platform', tone: 'problem', text });
        logger.error({ err: error, work, entity }, 'an entity was skipped, because its step was refused permanently');
      };
    },

    async keepLetters(some) {
      await letters.keep(some);
      for (const { source, shardId, position, reason } of some) {
        metrics.streams.deadLetters(source, 1);
        const text = `A message or entry of ${source} could not be processed and became a dead letter`;
        note({ area: 'platform', tone: 'problem', text });
        logger.error(
          { source, shard: shardId, position, reason },
          'a message or entry fails permanently and became a dead letter',
        );
      }
    },
  };
}
