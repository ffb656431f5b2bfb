import type { RankCheckReport } from './workflows';

/** Returns the result of a rank check in Markdown, for the workflow's page in the Web UI. */
export function rankCheckPage({ shards, players, differences, replaced, skipped = 0 }: RankCheckReport): string {
  const left =
    skipped > 0
      ? ` **${skipped}** could not be checked: a step of each was refused, see the failed activities and the log.`
      : '';
  return (
    `**${shards}** rankings of **${players}** players checked: **${differences}** players had a wrong rank, ` +
    `**${replaced}** rankings replaced.${left}`
  );
}
