import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium';
import { payment } from '../support/payment';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

let stack: RunningStack;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  // A machine that runs this may have another Web UI on the usual port.
  [stack, browser] = await Promise.all([startLongwatch({ TEMPORAL_UI_PORT: '0' }), launchChromium()]);
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(30_000);
}, 15 * 60_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (stack) removeDataDir(stack.dataDir);
});

async function waitingCase(): Promise<string> {
  const { transactionId } = payment();
  await stack.post('/v1/transactions', payment({ transactionId }));
  await stack.post('/v1/investigations', { transactionId });
  await eventually(
    () => stack.get(`/v1/investigations/${transactionId}`),
    ({ json }) => json.status === 'waiting',
  );
  return transactionId;
}

async function sendUpdate(name: string, payload: object): Promise<void> {
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: 'Send an Update' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByTestId('update-select-button').click();
  await dialog.getByRole('option', { name }).click();
  await dialog.locator('.cm-content').click();
  // As pasted: typing would have the editor close the brackets, too.
  await page.keyboard.insertText(JSON.stringify(payload));
  // Left, the editor lays out the JSON anew and moves the button away from under a click that leaves it.
  await dialog.locator('#update-id').focus();
  await dialog.getByRole('button', { name: 'Submit' }).click();
}

it('an investigator finds a case in the list, reads it as a page, and closes it', async () => {
  const transactionId = await waitingCase();
  const list = /cases +(http\S+)/.exec(stack.output())![1]!;
  await page.goto(list);
  await page
    .getByRole('link', { name: `investigation/${transactionId}` })
    .first()
    .click();

  await page.getByText('User Metadata').first().click();
  // Summary and page are Markdown, each rendered in a frame.
  const details = page.frameLocator('iframe').nth(1);
  await details.getByRole('heading', { name: 'waiting: EUR 19.99' }).waitFor();
  const cells = async () => (await details.locator('table td, table th').allTextContents()).map((cell) => cell.trim());
  expect(await eventually(cells, ({ length }) => length > 0)).toEqual(
    expect.arrayContaining([
      'Merchant',
      'books-42',
      'OPENED_BY_HAND',
      'Contribution (log-odds)',
      'Waits for an investigator: the outcome is review',
    ]),
  );

  await sendUpdate('decide', { decision: 'genuine', by: 'kim', note: 'the customer was called' });
  const { json } = await eventually(
    () => stack.get(`/v1/investigations/${transactionId}`),
    ({ json: found }) => found.status === 'closed-genuine',
  );
  expect(json.timeline.at(-1)).toMatchObject({ kind: 'closed', by: { name: 'kim', proof: 'none' } });
  await page.goto(list);
  const link = page.getByRole('link', { name: `investigation/${transactionId}` });
  // The list is as Temporal's index, which follows a moment later.
  await eventually(
    async () => {
      await page.reload();
      await page
        .getByText(/^\d+ Workflows?$/)
        .or(page.getByText(/^No Workflows/))
        .first()
        .waitFor();
      return link.count();
    },
    (count) => count === 0,
  );
});

it('a wrong update is told what is wrong, and the case stays open', async () => {
  const transactionId = await waitingCase();
  await page.goto(
    /Web UI +(http\S+)/.exec(stack.output())![1]! +
      `/namespaces/default/workflows/${encodeURIComponent(`investigation/${transactionId}`)}`,
  );
  await sendUpdate('decide', { decision: 'perhaps', by: 'kim' });
  await page.getByText('"decision" must be "fraud" or "genuine"').first().waitFor();
  expect((await stack.get(`/v1/investigations/${transactionId}`)).json.status).toBe('waiting');
});
