import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium';
import { payment } from '../support/payment';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of the page, for whoever works on it. */
const PICTURES = process.env['LONGWATCH_PICTURES'];

let stack: RunningStack;
let browser: Browser;
beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startLongwatch({
      TEMPORAL_UI_PORT: '0',
      LONGWATCH_API_KEYS:
        'ana:investigator:ana-key-0123456789,pay:service:pay-key-0123456789,dev:admin:dev-key-0123456789',
    }),
    launchChromium(),
  ]);
}, 15 * 60_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  if (stack) removeDataDir(stack.dataDir);
});

const send = async (path: string, body: object): Promise<void> => {
  const { status, text } = await stack.post(path, body, { authorization: 'Bearer dev-key-0123456789' });
  if (status >= 400) throw new Error(text);
};

/**
 * A page, and what went wrong on it: what scripts threw or logged as an error, what the Content-Security-Policy
 * stopped.
 */
async function open(path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.addInitScript(
    'document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ' +
      '${event.violatedDirective} ${event.blockedURI}`))',
  );
  await page.goto(`${stack.url}${path}`);
  return { page, faults };
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(
          options: object,
        ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
      };
    };
    const found = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

const KEY = '#key=ana-key-0123456789';

it('who opens the API in a browser is asked for a key, and sees nothing before', async () => {
  const { page, faults } = await open('/');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.locator('#overview').isVisible()).toBe(false);
  expect(await violations(page)).toEqual([]);
  await picture(page, 'sign-in');

  // By keyboard alone: the field has the focus, Enter sends.
  await page.keyboard.type('wrong-key-0123456789');
  await page.keyboard.press('Enter');
  await page.getByText('This key is not valid.').waitFor();
  await page.keyboard.type('pay-key-0123456789');
  await page.keyboard.press('Enter');
  await page.getByText('may not see the overview').waitFor();
  // The browser itself logs answers of 401 and 403; nothing else may be there.
  expect(faults.filter((fault) => !/status of 40[13]/.test(fault))).toEqual([]);
  faults.length = 0;
  await page.keyboard.type('ana-key-0123456789');
  await page.keyboard.press('Enter');
  await page.locator('#capability-fraud').waitFor();
  await page.reload();
  await page.locator('#capability-fraud').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate('Object.keys(sessionStorage)')).toEqual([]);
  expect(faults.filter((fault) => !/status of 40[13]/.test(fault))).toEqual([]);
});

it('a key in the address leaves it at once, and is sent to nobody but the API', async () => {
  const { page } = await open('/');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${stack.url}/${KEY}`);
  await page.reload();
  await page.locator('#capability-fraud').waitFor();
  expect(page.url()).toBe(`${stack.url}/`);
  expect(asked.filter((url) => url.includes('ana-key') || !url.startsWith(stack.url))).toEqual([]);
});

it('shows what happens as it happens: counts, a case with its link, events', async () => {
  const { page, faults } = await open(`/${KEY}`);
  await page.getByText('Running', { exact: true }).waitFor();
  const { transactionId } = payment();
  await send('/v1/transactions', payment({ transactionId }));
  await send('/v1/investigations', { transactionId });

  const row = page.getByRole('row', { name: transactionId });
  await row.waitFor();
  const ui = /Web UI +(http\S+)/.exec(stack.output())![1]!;
  expect(await row.getByRole('link').getAttribute('href')).toBe(
    `${ui}/namespaces/default/workflows/${encodeURIComponent(`investigation/${transactionId}`)}`,
  );
  await page
    .locator('#capability-fraud .lead')
    .getByText(/^[1-9]/)
    .waitFor();
  await page.getByRole('log').getByText('Payment approved').first().waitFor();
  await page.getByRole('log').getByText('An investigation began').first().waitFor();
  expect(await page.locator('#announce').textContent()).toContain('1 new open investigation.');
  // The log holds still when told to.
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  await send('/v1/transactions', payment());
  const events = await page.locator('#events li').count();
  await page.waitForTimeout(2_500);
  expect(await page.locator('#events li').count()).toBe(events);
  await page.getByRole('button', { name: 'Resume' }).press('Enter');
  await eventually(
    () => page.locator('#events li').count(),
    (count) => count > events,
  );
  expect(faults).toEqual([]);
});

it.each(['light', 'dark'] as const)('is accessible in %s, wide and narrow', async (colorScheme) => {
  for (const [name, viewport] of [
    ['wide', { width: 1440, height: 1000 }],
    ['narrow', { width: 390, height: 844 }],
  ] as const) {
    const { page, faults } = await open(`/${KEY}`, { viewport, colorScheme, reducedMotion: 'reduce' });
    await page.getByRole('row', { name: 'DynamoDB' }).waitFor();
    await page.locator('#capability-fraud').waitFor();
    await send('/v1/transactions', payment());
    await page.locator('#events li').first().waitFor();
    expect(await violations(page)).toEqual([]);
    // Nothing is cut off sideways.
    expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
    await picture(page, `${name}-${colorScheme}`);
    expect(faults).toEqual([]);
  }
});

it('says so when the API is away, and goes on when it is back', async () => {
  const { page } = await open(`/${KEY}`);
  await page.getByText('Running', { exact: true }).waitFor();
  await page.context().setOffline(true);
  await page.getByText('The API does not answer.').waitFor();
  await page.context().setOffline(false);
  await page.getByText('Running', { exact: true }).waitFor();
  await eventually(
    () => page.locator('#away').isVisible(),
    (visible) => !visible,
  );
});
