import { z } from 'zod';
import { defined } from '../../domain/defined';
import { CARD_RULE, holdsCardNumber } from '../../domain/fraud/cardNumbers';
import { lineOf, linesOf, textUses } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { caseStatuses } from '../../domain/fraud/investigation';
import { MAX_NAME, MAX_TEXT } from '../../domain/fraud/investigationRequests';
import { labels } from '../../domain/fraud/label';
import { iso } from '../../domain/ids';
import type { SignedCaseRequests, Unsigned } from '../../operations/fraud/signedCaseRequests';
import type { CaseOpener } from '../../operations/fraud/caseOpener';
import type { UserHoldStore } from '../../stores/fraud/userHolds';
import type { CaseRecord, InvestigationStore } from '../../stores/fraud/investigations';
import { type AnyRoute, route, type RouteInput } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of cases need. */
export interface InvestigationParts {
  cases: CaseOpener;
  updates: SignedCaseRequests;
  investigations: InvestigationStore;
  userHolds: UserHoldStore;
  clock?: Clock;
}

const caseRoles = ['investigator', 'supervisor'] as const;
const caseParams = z.object({ id: idSchema });

/** Refuses card numbers: texts of investigators become part of the case's workflow history, which must contain none. */
const noCardNumber = (text: string): boolean => !holdsCardNumber(text);
const isFilled = (text: string): boolean => text.trim() !== '';
const nameSchema = lineOf(1, MAX_NAME).refine(isFilled, 'must not be blank').refine(noCardNumber, CARD_RULE);
const noteSchema = linesOf(1, MAX_TEXT)
  .refine(isFilled, 'must not be blank')
  .refine(noCardNumber, CARD_RULE)
  .register(textUses, { use: 'lines' });

const caseSchema = z.looseObject({
  transactionId: z.string(),
  status: z.enum(caseStatuses),
  outcome: z.string(),
  openedAt: z.iso.datetime(),
});

const outcomeSchema = z.object({ status: z.enum(caseStatuses), message: z.string() });

const idempotencyKey = {
  name: 'Idempotency-Key',
  required: false,
  description:
    'Idempotency key: repeated requests with the same key count as one. Without it, identical requests ' +
    'within a minute do',
};

/** Routes that list cases, read one with its timeline, and act on it. */
export function investigationRoutes(parts: InvestigationParts): AnyRoute[] {
  return [
    listCases(parts),
    openCase(parts),
    getCase(parts),
    personal(
      parts,
      'decide',
      'Decide a case',
      z.strictObject({ decision: z.enum(labels), note: noteSchema.optional() }),
    ),
    personal(parts, 'assign', 'Assign a case', z.strictObject({ assignee: nameSchema })),
    personal(parts, 'note', 'Write a note in a case', z.strictObject({ text: noteSchema })),
    getUserHold(parts),
    deleteUserHold(parts),
  ];
}

function shown({ openedAt, dueAt, closedAt, ...rest }: CaseRecord): Record<string, unknown> {
  return {
    ...rest,
    openedAt: iso(openedAt),
    ...(dueAt !== undefined && { dueAt: iso(dueAt) }),
    ...(closedAt !== undefined && { closedAt: iso(closedAt) }),
  };
}

const listCases = ({ investigations }: InvestigationParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/investigations',
    operationId: 'listInvestigations',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Cases by status or by assignee; oldest first',
    roles: caseRoles,
    query: z.object({
      status: z.enum(caseStatuses, `must be one of ${caseStatuses.join(', ')}`).optional(),
      assignee: lineOf(1, MAX_NAME).optional(),
      cursor: cursorSchema,
      limit: limitSchema,
    }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(caseSchema), cursor: z.string().optional() }) },
    },
    handler: async ({ query: { status, assignee, cursor, limit } }) => {
      const options = { cursor, limit };
      const page =
        assignee === undefined
          ? await investigations.byStatus(status ?? 'waiting', options)
          : await investigations.byAssignee(assignee, { ...options, ...defined({ status }) });
      return { status: 200, body: { items: page.items.map(shown), ...(page.cursor && { cursor: page.cursor }) } };
    },
  });

const openCase = ({ cases, investigations }: InvestigationParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/investigations',
    operationId: 'openInvestigation',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'Open a case for a transaction, whatever its decision was',
    roles: caseRoles,
    body: z.strictObject({ transactionId: idSchema }),
    responses: {
      200: { description: 'The transaction already has a case', schema: caseSchema },
      201: { description: 'The case is opened', schema: caseSchema },
      404: { description: 'Transaction not found' },
    },
    handler: async ({ body: { transactionId }, caller }) => {
      const { opened } = await cases.open(transactionId, caller.name);
      const found = await investigations.find(transactionId);
      return {
        status: opened ? 201 : 200,
        body: found && shown(found),
        headers: { location: `/v1/investigations/${transactionId}` },
      };
    },
  });

const getCase = ({ investigations }: InvestigationParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/investigations/:id',
    operationId: 'getInvestigation',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'A case with its timeline',
    roles: caseRoles,
    params: caseParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'The case; with a `cursor` if its timeline has more entries', schema: caseSchema },
      404: { description: 'Case not found' },
    },
    handler: async ({ params: { id }, query: { cursor, limit } }) => {
      const found = await investigations.find(id);
      if (!found) throw new LongwatchError('notFound', `Transaction ${id} has no case`);
      const page = await investigations.timeline(id, { cursor, limit });
      const timeline = page.items.map((entry) => ({ ...entry, at: iso(entry.at) }));
      return { status: 200, body: { ...shown(found), timeline, ...(page.cursor && { cursor: page.cursor }) } };
    },
  });

function personal<B extends object>(
  { updates }: InvestigationParts,
  kind: 'decide' | 'assign' | 'note',
  summary: string,
  body: z.ZodType<B>,
): AnyRoute {
  return route({
    method: 'post',
    path: `/v1/investigations/:id/${kind}`,
    operationId: `${kind}Investigation`,
    tag: 'fraud',
    loadClass: 'interactive',
    summary: `${summary}, in the name of the authenticated caller`,
    roles: caseRoles,
    params: caseParams,
    body,
    headers: [idempotencyKey],
    responses: {
      200: { description: 'The action is recorded', schema: outcomeSchema },
      404: { description: 'Case not found' },
      409: { description: 'The action is not allowed in the case’s current state; the detail says why' },
    },
    handler: async ({ params, body: request, caller, header }: RouteInput<{ id: string }, unknown, B>) => {
      const outcome = await updates.send(
        params.id,
        caller,
        { ...request, kind } as unknown as Unsigned,
        header('idempotency-key'),
      );
      return { status: 200, body: outcome };
    },
  });
}

const userParams = z.object({ userId: idSchema });

const getUserHold = ({ userHolds, clock = systemClock }: InvestigationParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId/hold',
    operationId: 'getUserHold',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'The payment hold on a user after a confirmed fraud',
    roles: ['service', ...caseRoles],
    params: userParams,
    responses: {
      200: { description: 'The hold', schema: z.object({ until: z.iso.datetime(), transactionId: z.string() }) },
      404: { description: 'There is no hold on the user' },
    },
    handler: async ({ params: { userId } }) => {
      const hold = await userHolds.find(userId);
      if (!hold || hold.until <= clock.now())
        throw new LongwatchError('notFound', `There is no payment hold on user ${userId}`);
      return { status: 200, body: { until: iso(hold.until), transactionId: hold.transactionId } };
    },
  });

const deleteUserHold = ({ userHolds }: InvestigationParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/users/:userId/hold',
    operationId: 'endUserHold',
    tag: 'fraud',
    loadClass: 'interactive',
    summary: 'End the payment hold on a user early',
    roles: ['supervisor'],
    params: userParams,
    responses: { 204: { description: 'There is no hold on the user any more' } },
    handler: async ({ params: { userId } }) => {
      await userHolds.release(userId);
      return { status: 204 };
    },
  });
