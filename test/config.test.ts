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
