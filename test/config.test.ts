import { configReference, readConfig } from '../src/config';
import { webhookSecret } from '../src/graph/channels';

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

it('JWTs need an issuer, and keys that nobody on the way can change', () => {
  const jwks = (url: string, more = {}) => () => readConfig({ LONGWATCH_JWKS_URL: url, LONGWATCH_JWT_ISSUER: 'https://login.test', ...more });
  expect(jwks('https://login.test/keys')().LONGWATCH_JWKS_URL).toBe('https://login.test/keys');
  expect(jwks('http://127.0.0.1:9000/keys')().LONGWATCH_JWKS_URL).toBe('http://127.0.0.1:9000/keys');
  for (const url of ['http://login.test/keys', 'http://127.evil.test/keys', 'http://localhost.evil.test/keys', 'http://127.0.0.1@evil.test/keys']) expect(jwks(url)).toThrow('LONGWATCH_JWKS_URL: must be https');
  expect(jwks('https://login.test/keys', { LONGWATCH_JWT_ISSUER: '' })).toThrow('LONGWATCH_JWT_ISSUER: must be set with LONGWATCH_JWKS_URL');
});

it('trusted proxies are addresses and networks', () => {
  expect(readConfig({ LONGWATCH_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).LONGWATCH_TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '::1']);
  for (const wrong of ['everybody', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', ',', 'true', '::/129'])
    expect(() => readConfig({ LONGWATCH_TRUSTED_PROXIES: wrong })).toThrow('LONGWATCH_TRUSTED_PROXIES: must be addresses or networks');
});

it('webhooks are signed with a key of their own, from which the signing secret does not follow', () => {
  const signing = 'the-signing-secret-of-this-test-0123';
  expect(webhookSecret(readConfig({}), signing)).toMatch(/^[0-9a-f]{64}$/);
  expect(webhookSecret(readConfig({ LONGWATCH_WEBHOOK_SECRET: 'given-to-the-receiver-0123456789abcd' }), signing)).toBe('given-to-the-receiver-0123456789abcd');
});
