import { configReference, readConfig } from '../src/config';

it('has a default for everything, and empty means absent', () => {
  expect(readConfig({})).toMatchObject({ PORT: 3000, HOST: '127.0.0.1', LONGWATCH_MODEL_DEADLINE_MS: 80, LONGWATCH_DECISION_DEADLINE_MS: 250, LONGWATCH_FINAL_POLICY: 'keep', LONGWATCH_AWS: false });
  expect(readConfig({ PORT: '', LONGWATCH_WEBHOOK_URL: '' }).PORT).toBe(3000);
});

it('reports every fault at once, with the variable and what was found, and shows no secret', () => {
  const bad = () => readConfig({ PORT: '99999', LONGWATCH_AWS: 'yes', LONGWATCH_SIGNING_SECRET: 'hush', LONGWATCH_SMTP_URL: 'http://user:hush@host', DYNAMODB_ENDPOINT: 'localhost:8000' });
  expect(bad).toThrow(/has 5 fault\(s\)/);
  for (const name of ['PORT: .*"99999"', 'LONGWATCH_AWS: .*"yes"', 'LONGWATCH_SIGNING_SECRET: .*not shown', 'LONGWATCH_SMTP_URL: .*not shown', 'DYNAMODB_ENDPOINT: .*"localhost:8000"'])
    expect(bad).toThrow(new RegExp(name));
  expect(bad).not.toThrow('hush');
});

it('every variable is in the reference', () => {
  const names = configReference().map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(readConfig({}))));
  expect(configReference().find(({ name }) => name === 'PORT')).toEqual({ name: 'PORT', fallback: '3000', description: expect.stringContaining('HTTP API') });
});

it('a cart’s reminders are durations that ascend, its quiet hours a time of day, or none', () => {
  expect(readConfig({})).toMatchObject({ LONGWATCH_CART_REMINDERS: [3_600_000, 86_400_000, 259_200_000], LONGWATCH_CART_QUIET_HOURS: { from: 21 * 60, to: 8 * 60 } });
  expect(readConfig({ LONGWATCH_CART_REMINDERS: 'none', LONGWATCH_CART_QUIET_HOURS: 'none' })).toMatchObject({ LONGWATCH_CART_REMINDERS: [], LONGWATCH_CART_QUIET_HOURS: null });
  for (const reminders of ['2h,1h', '1h,,2h', 'soon', '1h,1h', '-1h'])
    expect(() => readConfig({ LONGWATCH_CART_REMINDERS: reminders })).toThrow('LONGWATCH_CART_REMINDERS: must be durations that ascend, like 1h,24h,72h, or none');
  expect(() => readConfig({ LONGWATCH_CART_QUIET_HOURS: '9-5' })).toThrow('LONGWATCH_CART_QUIET_HOURS: must be like 21:00-08:00, or none');
});
