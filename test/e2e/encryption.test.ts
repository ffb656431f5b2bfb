import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { Browser, Page } from 'playwright-core';
import { CARRIER_HEADER } from '../../src/domain/platform/carrier';
import { readAddresses } from '../../src/local/addresses';
import { findTemporal } from '../../src/local/temporalCli';
import { investigationId } from '../../src/domain/fraud/workflows';
import { launchChromium } from '../support/chromium';
import { payment } from '../support/payment';
import { headersOf, legible, payloadsOf } from '../support/payloads';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

let stack: RunningStack;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startLongwatch({
      TEMPORAL_UI_PORT: '0',
      LONGWATCH_WORKFLOW_BUNDLE: '',
      LONGWATCH_PAYLOAD_KEYS: `e2e:${randomBytes(32).toString('base64')}`,
    }),
    launchChromium(),
  ]);
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(30_000);
}, 15 * 60_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (stack) removeDataDir(stack.dataDir);
});

it(
  'an investigator reads an encrypted case in the Web UI as if it were not, and decides it there; the server can ' +
    'read none of it',
  async () => {
    const { transactionId } = payment();
    await stack.post('/v1/transactions', payment({ transactionId }));
    await stack.post('/v1/investigations', { transactionId });
    await eventually(
      () => stack.get(`/v1/investigations/${transactionId}`),
      ({ json }) => json.status === 'waiting',
    );
    const decoded: string[] = [];
    page.on(
      'response',
      (response) =>
        void (
          /\/v1\/codec\/links\/[^/]+\/(encode|decode)/.test(response.url()) &&
          decoded.push(`${response.request().method()} ${response.status()}`)
        ),
    );
    await page.goto(
      /Web UI +(http\S+)/.exec(stack.output())![1]! +
        `/namespaces/default/workflows/${encodeURIComponent(investigationId(transactionId))}`,
    );

    // Summary and details are payloads of the user metadata, decoded by our endpoint, too.
    await page.getByText('User Metadata').first().click();
    await page.frameLocator('iframe').nth(0).getByText('books-42').waitFor();
    const details = page.frameLocator('iframe').nth(1);
    await details.getByRole('heading', { name: 'waiting: EUR 19.99' }).waitFor();
    expect(decoded).toContain('POST 200');

    await page.getByRole('button', { name: 'More Actions' }).click();
    await page.getByRole('menuitem', { name: 'Send an Update' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('update-select-button').click();
    await dialog.getByRole('option', { name: 'decide' }).click();
    await dialog.locator('.cm-content').click();
    await page.keyboard.insertText(JSON.stringify({ decision: 'genuine', by: 'kim', note: 'the customer was called' }));
    await dialog.locator('#update-id').focus();
    await dialog.getByRole('button', { name: 'Submit' }).click();
    const { json } = await eventually(
      () => stack.get(`/v1/investigations/${transactionId}`),
      ({ json: found }) => found.status === 'closed-genuine',
    );
    expect(json.timeline.at(-1)).toMatchObject({ kind: 'closed', by: { name: 'kim' } });

    const connection = await Connection.connect({ address: readAddresses(stack.dataDir)!.parts.Temporal });
    try {
      const handle = new Client({ connection }).workflow.getHandle(investigationId(transactionId));
      const history = await handle.fetchHistory();
      expect(payloadsOf(history).filter(({ encoding }) => encoding !== 'binary/encrypted')).toEqual([]);
      // Headers, which nothing encrypts, hold ids of requests and traces.
      for (const [name, value] of headersOf(history))
        expect([
          name,
          Object.keys(value as object).filter((key) => !['requestId', 'traceparent', 'tracestate'].includes(key)),
        ]).toEqual([CARRIER_HEADER, []]);
      const described = await connection.workflowService.describeWorkflowExecution({
        namespace: 'default',
        execution: { workflowId: handle.workflowId },
      });
      for (const text of ['books-42', 'the customer was called'])
        for (const told of [history, described]) expect(legible(told)).not.toContain(text);

      // Temporal's CLI asks the codec as a caller of its own; refused, it tries again until it gives up.
      const show = async (...codec: string[]) =>
        (
          await promisify(execFile)(await findTemporal({ onStage: () => undefined }), [
            'workflow',
            'show',
            '-w',
            handle.workflowId,
            '--detailed',
            '--address',
            readAddresses(stack.dataDir)!.parts.Temporal,
            ...codec,
          ])
        ).stdout;
      const endpoint = ['--codec-endpoint', `${stack.url}/v1/codec`];
      expect(await show(...endpoint, '--codec-auth', `Bearer ${stack.key}`)).toContain('the customer was called');
      expect(await show()).not.toContain('the customer was called');
      await expect(show(...endpoint)).rejects.toThrow('displaying history failed');
    } finally {
      await connection.close();
    }
  },
);
