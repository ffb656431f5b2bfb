import { z } from 'zod';
import { lineOf } from '../../domain/edge/schemas';
import { formatMoney } from '../../domain/money/format';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { SignedCaseRequests } from '../../operations/fraud/signedCaseRequests';
import type { CaseRecord, InvestigationStore } from '../../stores/fraud/investigations';
import { escaped, htmlPage, page } from '../http/page';
import { type AnyRoute, route } from '../http/router';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of the "was this you?" page need. */
export interface AlertParts {
  /** Opens signed links; see gateways/fraud/answerLinks.ts. */
  links: { open(token: string, now: number): { transactionId: string; until: number } };
  investigations: InvestigationStore;
  updates: SignedCaseRequests;
  clock?: Clock;
}

const params = z.object({ token: lineOf(1, 400) });

/**
 * Routes of the page "was this you?" on which a customer confirms or denies a payment. The signed link authenticates
 * the customer.
 */
export function alertRoutes(parts: AlertParts): AnyRoute[] {
  return [getAlert(parts), answerAlert(parts)];
}

const getAlert = ({ links, investigations, clock = systemClock }: AlertParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/alerts/:token/answer',
    operationId: 'showAlert',
    tag: 'fraud',
    loadClass: 'interactive',
    // A GET must not answer: mail programs and virus scanners open links too.
    summary: 'Page on which a customer answers “was this you?”',
    roles: 'public',
    isPage: true,
    params,
    responses: {
      200: { description: 'The page', contentType: 'text/html' },
      404: { description: 'The link is not valid' },
      409: { description: 'The time to answer is over' },
    },
    handler: async ({ params: { token } }) => {
      const { transactionId, until } = links.open(token, clock.now());
      const found = await investigations.find(transactionId);
      if (!found) throw new LongwatchError('notFound', 'There is no such payment');
      return { status: 200, ...htmlPage(questionPage(found, until)) };
    },
  });

const answerAlert = ({ links, investigations, updates, clock = systemClock }: AlertParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/alerts/:token/answer',
    operationId: 'answerAlert',
    tag: 'fraud',
    loadClass: 'money',
    summary: 'A customer’s answer to “was this you?”',
    roles: 'public',
    isPage: true,
    params,
    body: z.object({ answer: z.enum(['yes', 'no'], 'must be "yes" or "no"') }),
    form: true,
    responses: {
      200: {
        description: 'The answer is recorded; an HTML page if a form was sent',
        schema: z.object({ answer: z.enum(['yes', 'no']) }),
      },
      404: { description: 'The link is not valid' },
      409: { description: 'Already answered, or the time to answer is over' },
    },
    handler: async ({ params: { token }, body: { answer }, header }) => {
      const { transactionId } = links.open(token, clock.now());
      const found = await investigations.find(transactionId);
      if (!found) throw new LongwatchError('notFound', 'There is no such payment');
      const customer = { name: found.userId, role: 'customer' };
      await updates.send(transactionId, customer, { kind: 'answer', answer }, 'answer');
      const byForm = (header('content-type') ?? '').includes('form');
      return byForm ? { status: 200, ...htmlPage(thanksPage(answer)) } : { status: 200, body: { answer } };
    },
  });

const questionPage = ({ amount, currency, merchantId }: CaseRecord, until: number): string =>
  page(
    'Was this you?',
    `<p>A payment of <strong>${escaped(formatMoney(amount, currency))}</strong> \
to <strong>${escaped(merchantId)}</strong> was made in your name.</p>
<form method="post">
<button name="answer" value="yes">Yes, this was me</button>
<button name="answer" value="no">No, it was not me</button>
</form>
<p>Please answer by ${escaped(iso(until))}.</p>`,
  );

const thanksPage = (answer: 'yes' | 'no'): string =>
  page(
    'Thank you',
    `<p>${answer === 'yes' ? 'Your payment goes on.' : 'The payment is held, and we look into it.'}</p>`,
  );
