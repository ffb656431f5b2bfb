import { z } from 'zod';
import { defined } from '../../domain/defined';
import { wholeTextOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import type { Outcome } from '../../domain/fraud/decision';
import { labels } from '../../domain/fraud/label';
import type { RuleSet } from '../../domain/fraud/ruleSet';
import { validateRuleSet } from '../../domain/fraud/ruleValidation';
import { transactionSchema } from '../../domain/fraud/transactionSchema';
import { iso } from '../../domain/ids';
import type { RequestDecisions } from '../../operations/fraud/requestDecisions';
import type { DecisionStore } from '../../stores/fraud/decisions';
import type { RuleStore } from '../../stores/fraud/rules';
import { ifMatchHeader, versionOf } from '../http/ifMatch';
import { type AnyRoute, route } from '../http/router';
import { decisionSchema, idSchema } from '../schemas';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of payments and rules need. */
export interface FraudParts {
  decisions: RequestDecisions;
  store: DecisionStore;
  rules: RuleStore;
  /** Reloads the rules from the store now, instead of at the next scheduled reload. */
  refreshRules(): Promise<void>;
  clock?: Clock;
}

const storedRuleSetSchema = z.object({
  version: z.int(),
  putBy: z.string(),
  putAt: z.iso.datetime(),
  ruleSet: z.object({
    bands: z.array(z.object({ outcome: z.enum(['alert', 'review', 'block'] satisfies Outcome[]), from: z.number() })),
    rules: z.array(z.looseObject({ id: z.string() })),
  }),
});

/** Routes that decide payments, take their labels, and read and write the rule set. */
export function fraudRoutes(parts: FraudParts): AnyRoute[] {
  return [postTransaction(parts), getTransaction(parts), putLabel(parts), getRules(parts), putRules(parts)];
}

const postTransaction = ({ decisions }: FraudParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/transactions',
    operationId: 'decideTransaction',
    tag: 'fraud',
    loadClass: 'money',
    summary: 'Decide a transaction',
    roles: ['service'],
    body: transactionSchema,
    responses: {
      200: {
        description: 'The decision; a repeated request gets the same bytes and the header Idempotent-Replayed',
        schema: decisionSchema,
      },
      409: { description: 'The same id was used for a transaction with different content' },
    },
    handler: async ({ body: { ip, ...transaction } }) => {
      const answer = await decisions.decide({ ...transaction, ...defined({ ip }) });
      return {
        status: 200,
        raw: { content: answer.body, contentType: 'application/json' },
        headers: answer.replayed ? { 'idempotent-replayed': 'true' } : {},
      };
    },
  });

const getTransaction = ({ store }: FraudParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/transactions/:id',
    operationId: 'getTransaction',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'The decision on a transaction, the payment’s hold and its label',
    roles: ['service', 'investigator', 'supervisor'],
    params: z.object({ id: idSchema }),
    responses: {
      200: {
        description: 'The decision and its later state',
        schema: z.object({
          decision: decisionSchema,
          transaction: z.looseObject({ transactionId: z.string() }),
          features: z.record(z.string(), z.number()),
          hold: z.enum(['held', 'released', 'final']).optional(),
          label: z.enum(['fraud', 'genuine']).optional(),
          rescored: z.looseObject({ score: z.number() }).optional(),
        }),
      },
      404: { description: 'Transaction not found' },
    },
    handler: async ({ params }) => {
      const found = await store.find(params.id);
      if (!found) throw new LongwatchError('notFound', `Transaction ${params.id} not found`);
      const { transaction, features, ...rest } = found;
      const known = Object.fromEntries(Object.entries(features).filter(([, value]) => !Number.isNaN(value)));
      return {
        status: 200,
        body: { ...rest, transaction: { ...transaction, timestamp: iso(transaction.timestamp) }, features: known },
      };
    },
  });

const putLabel = ({ store, clock = systemClock }: FraudParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/transactions/:id/label',
    operationId: 'labelTransaction',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Label a transaction as fraud or genuine, for example after a chargeback; the last label counts',
    roles: ['service', 'supervisor'],
    params: z.object({ id: idSchema }),
    body: z.strictObject({ label: z.enum(labels, `must be one of ${labels.join(', ')}`) }),
    responses: {
      200: {
        description: 'The label is recorded',
        schema: z.object({ transactionId: z.string(), label: z.enum(labels) }),
      },
      404: { description: 'Transaction not found' },
      409: { description: 'The transaction has an open case; decide the case, which sets the label' },
    },
    handler: async ({ params: { id }, body: { label } }) => {
      const outcome = await store.label(id, label, clock.now());
      if (outcome === 'investigated')
        throw new LongwatchError(
          'conflict',
          `Transaction ${id} is being investigated; decide its case (POST /v1/investigations/${id}/decide), ` +
            'which labels it',
        );
      if (outcome === 'unknown') throw new LongwatchError('notFound', `Transaction ${id} not found`);
      return { status: 200, body: { transactionId: id, label } };
    },
  });

const getRules = ({ rules }: FraudParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/rules',
    operationId: 'getRules',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'The current rule set, or an earlier version',
    roles: ['service', 'investigator', 'supervisor'],
    query: z.object({ version: wholeTextOf(1, 999_999_999).optional() }),
    responses: {
      200: { description: 'The rule set; its version is the ETag', schema: storedRuleSetSchema },
      404: { description: 'Version not found' },
    },
    handler: async ({ query }) => {
      const stored = query.version === undefined ? await rules.current() : await rules.version(query.version);
      if (!stored) throw new LongwatchError('notFound', `Version ${query.version ?? 1} of the rules not found`);
      const { value: ruleSet, ...rest } = stored;
      return { status: 200, body: { ...rest, ruleSet }, headers: { etag: `"${stored.version}"` } };
    },
  });

const putRules = ({ rules, refreshRules, clock = systemClock }: FraudParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/rules',
    operationId: 'putRules',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Replace the rule set',
    roles: ['supervisor'],
    // The handler validates it with the rule language, whose faults name their place in the rule set.
    body: z.unknown() as z.ZodType<RuleSet>,
    bodyLimit: 512 * 1024,
    headers: [ifMatchHeader],
    responses: {
      200: { description: 'The new version', schema: z.object({ version: z.int() }) },
      412: { description: 'Another version is in force' },
      428: { description: 'If-Match is missing' },
    },
    handler: async ({ body, caller, header }) => {
      const ifVersion = versionOf(header('if-match'));
      const ruleSet = validateRuleSet(body);
      const version = await rules.put(ruleSet, { ifVersion, putBy: caller.name, at: iso(clock.now()) });
      await refreshRules();
      return { status: 200, body: { version }, headers: { etag: `"${version}"` } };
    },
  });
