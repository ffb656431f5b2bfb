import { z } from 'zod';
import { lineOf } from '../../domain/edge/schemas';
import { iso } from '../../domain/ids';
import { type DeadLetters, letterId } from '../../operations/platform/deadLetters/deadLetters';
import type { DeadLetter } from '../../stores/platform/deadLetters';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, limitSchema } from '../schemas';

/** What the routes of dead letters need. */
export interface DeadLetterParts {
  deadLetters: DeadLetters;
  /**
   * Starts the workflow that redrives all dead letters of a stream, unless it already runs.
   * @returns the workflow's id.
   */
  startRedrive(source: string): Promise<string>;
}

const operatorRoles = ['supervisor'] as const;
const sourceSchema = lineOf(1, 100);
const letterParams = z.object({ id: lineOf(1, 500) });
const letterSchema = z.object({
  id: z.string(),
  source: z.string(),
  shardId: z.string(),
  position: z.string(),
  reason: z.string(),
  arrivedAt: z.iso.datetime(),
  at: z.iso.datetime(),
  record: z.string(),
  encoding: z.enum(['utf-8', 'base64']),
  isCut: z.boolean().optional(),
});

/** Routes that list, read, redrive and discard dead letters: stream records that could not be processed. */
export function deadLetterRoutes(parts: DeadLetterParts): AnyRoute[] {
  return [listLetters(parts), getLetter(parts), redriveLetter(parts), redriveAll(parts), discardLetter(parts)];
}

function shown(letter: DeadLetter): z.infer<typeof letterSchema> {
  return { id: letterId(letter), ...letter, arrivedAt: iso(letter.arrivedAt), at: iso(letter.at), ...content(letter) };
}

function content({ record, isCut }: DeadLetter): { record: string; encoding: 'utf-8' | 'base64' } {
  try {
    // A truncated record may end inside a character; show the characters before it.
    return {
      record: new TextDecoder('utf-8', { fatal: true }).decode(record, { stream: isCut === true }),
      encoding: 'utf-8',
    };
  } catch {
    return { record: Buffer.from(record).toString('base64'), encoding: 'base64' };
  }
}

const listLetters = ({ deadLetters }: DeadLetterParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/dead-letters',
    operationId: 'listDeadLetters',
    tag: 'platform',
    loadClass: 'bulk',
    summary: 'Stream records that could not be processed, with the reason; ordered by stream, shard and position',
    roles: operatorRoles,
    query: z.object({ source: sourceSchema.optional(), cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(letterSchema), cursor: z.string().optional() }) },
    },
    handler: async ({ query: { source, cursor, limit = 50 } }) => {
      const page = await deadLetters.list(source, { limit, cursor });
      return { status: 200, body: { ...page, items: page.items.map(shown) } };
    },
  });

const getLetter = ({ deadLetters }: DeadLetterParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/dead-letters/:id',
    operationId: 'getDeadLetter',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'One dead letter',
    roles: operatorRoles,
    params: letterParams,
    responses: {
      200: { description: 'The dead letter', schema: letterSchema },
      404: { description: 'Dead letter not found' },
    },
    handler: async ({ params: { id } }) => ({ status: 200, body: shown(await deadLetters.find(id)) }),
  });

const redriveLetter = ({ deadLetters }: DeadLetterParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/dead-letters/:id/redrive',
    operationId: 'redriveDeadLetter',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'Process a dead letter’s record again; on success it is removed in the same transaction as its effects',
    roles: operatorRoles,
    params: letterParams,
    responses: {
      200: {
        description: 'The record is processed',
        schema: z.object({ id: z.string(), status: z.literal('redriven') }),
      },
      404: { description: 'Dead letter not found' },
      409: { description: 'The record still cannot be processed and stays a dead letter; the detail says why' },
    },
    handler: async ({ params: { id } }) => {
      await deadLetters.redrive(id);
      return { status: 200, body: { id, status: 'redriven' } };
    },
  });

const redriveAll = ({ deadLetters, startRedrive }: DeadLetterParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/dead-letters/redrive',
    operationId: 'redriveDeadLetters',
    tag: 'platform',
    loadClass: 'bulk',
    summary: 'Process all dead letters of a stream again, in the background',
    roles: operatorRoles,
    body: z.strictObject({ source: sourceSchema }),
    responses: {
      202: {
        description: 'Started; the workflow shows its progress and its result',
        schema: z.object({ workflowId: z.string() }),
      },
      409: { description: 'This deployment does not read that stream' },
      503: { description: 'Temporal is unavailable; nothing was started' },
    },
    handler: async ({ body: { source } }) => {
      deadLetters.redriver(source);
      return { status: 202, body: { workflowId: await startRedrive(source) } };
    },
  });

const discardLetter = ({ deadLetters }: DeadLetterParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/dead-letters/:id',
    operationId: 'discardDeadLetter',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'Delete a dead letter permanently',
    roles: operatorRoles,
    params: letterParams,
    responses: { 204: { description: 'Deleted' }, 404: { description: 'Dead letter not found' } },
    handler: async ({ params: { id } }) => {
      await deadLetters.discard(id);
      return { status: 204 };
    },
  });
