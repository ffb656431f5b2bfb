import { z } from 'zod';
import { defined } from '../../domain/defined';
import { line } from '../../domain/edge/schemas';
import { outcomes } from '../../domain/fraud/decision';
import type { RuleSet } from '../../domain/fraud/ruleSet';
import { validateRuleSet } from '../../domain/fraud/ruleValidation';
import { iso } from '../../domain/ids';
import type { Challengers, ComparedChallenger } from '../../operations/fraud/challengers';
import type { ShadowCounts } from '../../stores/fraud/challengerDifferences';
import { ifMatchHeader, versionOf } from '../http/ifMatch';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, limitSchema } from '../schemas';

/** What the routes of challengers need. */
export interface ShadowParts {
  challengers: Challengers;
}

const readers = ['investigator', 'supervisor'] as const;
const endpointNameSchema = line('must be the name of a SageMaker endpoint').regex(
  /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/,
  'must be the name of a SageMaker endpoint',
);
const comparisonSchema = z.object({
  decisions: z.int(),
  agreement: z.number().nullable(),
  pairs: z.array(z.object({ live: z.enum(outcomes), shadow: z.enum(outcomes), decisions: z.int() })),
  failed: z.int(),
  dropped: z.int(),
});
const challengerSchema = z.object({
  version: z.int(),
  endpointName: z.string().optional(),
  ruleSet: z.looseObject({}).optional(),
  putBy: z.string(),
  putAt: z.iso.datetime(),
  comparison: comparisonSchema,
});

/** Routes of challengers: a second model or rule set that decides in shadow, without effect. */
export function shadowRoutes(parts: ShadowParts): AnyRoute[] {
  return [getShadow(parts), putShadow(parts), deleteShadow(parts), listDifferences(parts), promote(parts)];
}

function shown({ value, comparison, ...rest }: ComparedChallenger) {
  return { ...rest, ...value, comparison: comparisonOf(comparison) };
}

function comparisonOf({ pairs, failed, dropped }: ShadowCounts): z.infer<typeof comparisonSchema> {
  const all = outcomes.flatMap((live) =>
    outcomes.flatMap((shadow) =>
      pairs[`${live}>${shadow}`] ? [{ live, shadow, decisions: pairs[`${live}>${shadow}`] as number }] : [],
    ),
  );
  const decisions = all.reduce((sum, one) => sum + one.decisions, 0);
  const same = all.reduce((sum, one) => sum + (one.live === one.shadow ? one.decisions : 0), 0);
  return { decisions, agreement: decisions === 0 ? null : same / decisions, pairs: all, failed, dropped };
}

const getShadow = ({ challengers }: ShadowParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/shadow',
    operationId: 'getShadow',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'The running challenger, and how its decisions compare with the live ones',
    roles: readers,
    responses: {
      200: { description: 'The challenger; its version is the ETag', schema: challengerSchema },
      404: { description: 'No challenger is running' },
    },
    handler: async () => {
      const running = await challengers.current();
      return { status: 200, body: shown(running), headers: { etag: `"${running.version}"` } };
    },
  });

const putShadow = ({ challengers }: ShadowParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/shadow',
    operationId: 'putShadow',
    tag: 'fraud',
    loadClass: 'interactive',
    summary:
      'Start a challenger: a second model or rule set that decides in shadow, without effect; the ' +
      'comparison starts again',
    roles: ['supervisor'],
    bodyLimit: 512 * 1024,
    body: z
      .strictObject({ endpointName: endpointNameSchema.optional(), ruleSet: z.unknown().optional() })
      .refine(
        ({ endpointName, ruleSet }) => endpointName !== undefined || ruleSet !== undefined,
        'must have an endpointName, a ruleSet, or both',
      ),
    responses: { 200: { description: 'The challenger is running', schema: z.object({ version: z.int() }) } },
    handler: async ({ body: { endpointName, ruleSet }, caller }) => {
      const valid: RuleSet | undefined = ruleSet === undefined ? undefined : validateRuleSet(ruleSet);
      const version = await challengers.put(defined({ endpointName, ruleSet: valid }), caller.name);
      return { status: 200, body: { version }, headers: { etag: `"${version}"` } };
    },
  });

const deleteShadow = ({ challengers }: ShadowParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/shadow',
    operationId: 'deleteShadow',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Stop the challenger',
    roles: ['supervisor'],
    responses: { 204: { description: 'No challenger is running' } },
    handler: async ({ caller }) => {
      await challengers.remove(caller.name);
      return { status: 204 };
    },
  });

const listDifferences = ({ challengers }: ShadowParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/shadow/differences',
    operationId: 'listShadowDifferences',
    tag: 'fraud',
    loadClass: 'bulk',
    summary: 'Transactions of the last 30 days that the challenger would have decided differently, newest first',
    roles: readers,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          items: z.array(
            z.object({
              transactionId: z.string(),
              at: z.iso.datetime(),
              live: z.enum(outcomes),
              shadow: z.enum(outcomes),
              liveScore: z.number().nullable(),
              shadowScore: z.number().nullable(),
            }),
          ),
          cursor: z.string().optional(),
        }),
      },
      404: { description: 'No challenger is running' },
    },
    handler: async ({ query: { cursor, limit = 50 } }) => {
      const page = await challengers.differences({ limit, cursor });
      return { status: 200, body: { ...page, items: page.items.map((one) => ({ ...one, at: iso(one.at) })) } };
    },
  });

const promote = ({ challengers }: ShadowParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/shadow/promote',
    operationId: 'promoteShadow',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Promote the challenger: its model and rules become the live ones',
    roles: ['supervisor'],
    headers: [ifMatchHeader],
    responses: {
      200: {
        description: 'The promoted model and rules decide from now on',
        schema: z.object({ ruleSetVersion: z.int().optional(), endpointName: z.string().optional() }),
      },
      404: { description: 'No challenger is running' },
      412: { description: 'Another challenger is running, or the rules have changed' },
      428: { description: 'If-Match is missing' },
    },
    handler: async ({ caller, header }) => ({
      status: 200,
      body: await challengers.promote(versionOf(header('if-match')), caller.name),
    }),
  });
