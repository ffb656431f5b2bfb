import { eventually } from './eventually';

it('returns the first answer that is as wanted', async () => {
  let count = 0;
  expect(
    await eventually(
      () => ++count,
      (answer) => answer === 3,
      { everyMs: 1 },
    ),
  ).toBe(3);
});

it('ends with the last answer when none is as wanted in time', async () => {
  const asked = eventually(
    () => ({ status: 'closing' }),
    ({ status }) => status === 'final',
    { withinMs: 20, everyMs: 1 },
  );
  await expect(asked).rejects.toThrow(/After 0\.02 s and \d+ tries .*final.*The last answer: \{ status: 'closing' \}/s);
});

it('ends when a question is never answered', async () => {
  const asked = eventually(() => new Promise<number>(() => undefined), Boolean, { withinMs: 20 });
  await expect(asked).rejects.toThrow(/1 tries .*the last try has no answer\. The last answer: undefined$/s);
});

it('passes on what a question throws', async () => {
  await expect(eventually(() => Promise.reject(new Error('no such table')))).rejects.toThrow('no such table');
});
