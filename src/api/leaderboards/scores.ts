import { z } from 'zod';
import { LongwatchError } from '../../domain/errors';
import type { Submission } from '../../domain/leaderboards/board';
import { submissionsSchema } from '../../domain/leaderboards/schemas';
import type { SubmissionResult, Submissions } from '../../operations/leaderboards/submissions';
import { type AnyRoute, route } from '../http/router';
import { boardParams } from './params';

/** What the routes of scores need. */
export interface ScoreParts {
  submissions: Submissions;
}

const service = ['service', 'supervisor'] as const;
const resultSchema = z.looseObject({
  playerId: z.string(),
  submissionId: z.string(),
  status: z.enum(['applied', 'unchanged', 'repeated', 'refused']),
});

/** Routes that submit scores. */
export function scoreRoutes(parts: ScoreParts): AnyRoute[] {
  return [postScores(parts)];
}

const postScores = ({ submissions }: ScoreParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/boards/:gameId/scores',
    operationId: 'submitScores',
    tag: 'leaderboards',
    loadClass: 'bulk',
    summary: 'Submit one score, or up to 100 as {scores: […]}; each counts once by its submissionId',
    roles: service,
    params: boardParams,
    body: submissionsSchema,
    responses: {
      200: {
        description: 'The result of each submission, in order; with an error if it was refused',
        schema: z.object({ results: z.array(resultSchema) }),
      },
      400: { description: 'A score is not valid, or the only submission exceeds a limit of the board' },
      404: { description: 'Board not found' },
      409: { description: 'The only submission is of a banned player, or no season is running' },
    },
    handler: async ({ params: { gameId }, body: { scores } }) => {
      const results = await submissions.submit(gameId, scores);
      const [only] = results;
      if (results.length === 1 && only instanceof LongwatchError) throw only;
      return { status: 200, body: { results: results.map((result, i) => shownResult(scores[i], result)) } };
    },
  });

function shownResult(
  { playerId = '', submissionId = '' }: Partial<Submission> = {},
  result: SubmissionResult,
): z.infer<typeof resultSchema> {
  if (!(result instanceof LongwatchError)) return { playerId, submissionId, ...result };
  const { type, message, detail } = result;
  return {
    playerId,
    submissionId,
    status: 'refused',
    error: { type, detail: message, ...(detail.faults && { errors: detail.faults }) },
  };
}
