import { z } from 'zod';
import { degradedCauses, outcomes } from '../domain/fraud/decision';
import { idOf, lineOf, wholeTextOf } from '../domain/edge/schemas';

/** Schema of an id. */
export const idSchema = idOf();

/** Query parameter `limit`: the maximum number of items on a page, 1 to 200. */
export const limitSchema = wholeTextOf(1, 200).optional();
/** Query parameter `cursor`: the `cursor` of the previous page. */
export const cursorSchema = lineOf(0, 2_000).optional();

/** Schema of a reason of a decision. */
export const reasonSchema = z.object({
  code: z.string(),
  text: z.string(),
  source: z.enum(['rule', 'model', 'feature', 'hold']),
  outcome: z.enum(outcomes).optional(),
  contribution: z.number().optional(),
});

/** Schema of a decision. */
export const decisionSchema = z.object({
  transactionId: z.string(),
  outcome: z.enum(outcomes),
  score: z.number().min(0).max(1).nullable(),
  reasons: z.array(reasonSchema),
  mode: z.enum(['full', 'degraded']),
  degradedBecause: z.enum(degradedCauses).optional(),
  ruleSetVersion: z.int(),
  modelVersion: z.string().nullable(),
  latencyMs: z.number(),
  decidedAt: z.iso.datetime(),
  investigationId: z.string().optional(),
});
