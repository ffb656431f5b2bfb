import { z } from 'zod';
import { formatMoney } from '../domain/fraud/money';
import { LongwatchError } from '../domain/errors';
import { iso } from '../domain/ids';
import type { CaseUpdates } from '../operations/caseUpdates';
import type { CaseRecord, InvestigationStore } from '../stores/fraud/investigations';
import { type AnyRoute, route } from './routes';

export interface AlertParts {
  /** Opens signed links; see gateways/answerLinks.ts. */
  links: { open(token: string, now: number): { transactionId: string; until: number } };
  investigations: InvestigationStore;
  updates: CaseUpdates;
}

const params = z.object({ token: z.string().min(1).max(400) });
const HTML = 'text/html; charset=utf-8';

/** The customer's side of "was this you?": a page to answer on, and the answer. The signed link is the authentication. */
export function alertRoutes(parts: AlertParts): AnyRoute[] {
  return [getAlert(parts), answerAlert(parts)];
}

const getAlert = ({ links, investigations }: AlertParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/alerts/:token/answer',
    operationId: 'showAlert',
    tag: 'fraud',
    // Looking answers nothing: mail programs and virus scanners open links too.
    summary: 'The page on which a customer answers',
    roles: 'public',
    params,
    responses: {
      200: { description: 'The page', contentType: 'text/html' },
      404: { description: 'Not a link of ours' },
      409: { description: 'Its time is over' },
    },
    handler: async ({ params: { token } }) => {
      const { transactionId, until } = links.open(token, Date.now());
      const found = await investigations.find(transactionId);
      if (!found) throw new LongwatchError('notFound', 'There is no such payment');
      return { status: 200, raw: { content: questionPage(found, until), contentType: HTML }, headers: pageHeaders };
    },
  });

const answerAlert = ({ links, investigations, updates }: AlertParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/alerts/:token/answer',
    operationId: 'answerAlert',
    tag: 'fraud',
    summary: 'A customer answers whether it was them',
    roles: 'public',
    params,
    body: z.object({ answer: z.enum(['yes', 'no'], 'must be "yes" or "no"') }),
    form: true,
    responses: {
      200: { description: 'Taken; a page where a form was sent', schema: z.object({ answer: z.enum(['yes', 'no']) }) },
      404: { description: 'Not a link of ours' },
      409: { description: 'Answered before, or its time is over' },
    },
    handler: async ({ params: { token }, body: { answer }, header }) => {
      const { transactionId } = links.open(token, Date.now());
      const found = await investigations.find(transactionId);
      if (!found) throw new LongwatchError('notFound', 'There is no such payment');
      const customer = { name: found.userId, role: 'customer' };
      await updates.send(transactionId, customer, { kind: 'answer', answer }, 'answer');
      const byForm = (header('content-type') ?? '').includes('form');
      return byForm
        ? { status: 200, raw: { content: thanksPage(answer), contentType: HTML }, headers: pageHeaders }
        : { status: 200, body: { answer } };
    },
  });

const pageHeaders = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
button { font: inherit; padding: .8rem 1.4rem; margin: .5rem .5rem .5rem 0; border: 2px solid #1a1a1a; border-radius: .4rem; background: #fff; color: inherit; cursor: pointer }
button:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`;
}

const questionPage = ({ amount, currency, merchantId }: CaseRecord, until: number): string =>
  page(
    'Was this you?',
    `<p>A payment of <strong>${escaped(formatMoney(amount, currency))}</strong> to <strong>${escaped(merchantId)}</strong> was made in your name.</p>
<form method="post">
<button name="answer" value="yes">Yes, this was me</button>
<button name="answer" value="no">No, it was not me</button>
</form>
<p>Please answer by ${escaped(iso(until))}.</p>`,
  );

const thanksPage = (answer: 'yes' | 'no'): string =>
  page('Thank you', `<p>${answer === 'yes' ? 'Your payment goes on.' : 'The payment is held, and we look into it.'}</p>`);

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
