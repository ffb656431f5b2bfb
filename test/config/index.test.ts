import { configReference, readConfig, unknownVariables } from '../../src/graph/config';
import { startFaults } from '../../src/run/faults';
import { webhookSecret } from '../../src/graph/channels';
import { everything } from '../../src/graph/capabilities';

it('has a default for everything, and empty means absent', () => {
  expect(readConfig({})).toMatchObject({
    PORT: 3000,
    HOST: '127.0.0.1',
    LONGWATCH_MODEL_DEADLINE_MS: 80,
    LONGWATCH_DECISION_DEADLINE_MS: 250,
    LONGWATCH_FINAL_POLICY: 'keep',
    LONGWATCH_AWS: false,
  });
  expect(readConfig({ PORT: '', LONGWATCH_WEBHOOK_URL: '' }).PORT).toBe(3000);
});

it('reports every fault at once, with the variable and what was found, and shows no secret', () => {
  const bad = () =>
    readConfig({
      PORT: '99999',
      LONGWATCH_AWS: 'yes',
      LONGWATCH_SIGNING_SECRET: 'hush',
      LONGWATCH_SMTP_URL: 'http://user:hush@host',
      DYNAMODB_ENDPOINT: 'localhost:8000',
    });
  expect(bad).toThrow(/has 5 fault\(s\)/);
  for (const name of [
    'PORT: .*"99999"',
    'LONGWATCH_AWS: .*"yes"',
    'LONGWATCH_SIGNING_SECRET: .*not shown',
    'LONGWATCH_SMTP_URL: .*not shown',
    'DYNAMODB_ENDPOINT: .*"localhost:8000"',
  ])
    expect(bad).toThrow(new RegExp(name));
  expect(bad).not.toThrow('hush');
});

it('tells faults of single settings, of settings together and of the mode in one go', () => {
  const bad = () =>
    readConfig(
      {
        PORT: 'x',
        LONGWATCH_JWKS_URL: 'http://login.test/keys',
        TEMPORAL_WORKER_BUILD_ID: '1',
        LONGWATCH_QUEUES: 'frod,carts',
        LONGWATCH_SIGNING_SECRET: 'short',
      },
      (config) => startFaults('worker', config, {}, everything),
    );
  expect(bad).toThrow(/has 9 fault\(s\)/);
  for (const line of [
    /^  PORT: .*\(found: "x"\)$/m,
    /^  LONGWATCH_JWT_ISSUER: must be set together with LONGWATCH_JWKS_URL/m,
    /^  LONGWATCH_JWKS_URL: must be https/m,
    /^  TEMPORAL_WORKER_BUILD_ID: and TEMPORAL_DEPLOYMENT_NAME must be set together/m,
    /^  LONGWATCH_QUEUES: there is no queue "frod"; did you mean longwatch-fraud\? Known queues: longwatch-operations, longwatch-fraud, /m,
    /^  TEMPORAL_ADDRESS: must be set/m,
    /^  DYNAMODB_ENDPOINT: must be set/m,
    /^  SAGEMAKER_ENDPOINT: must be set/m,
  ])
    expect(bad).toThrow(line);
});

it('checks whole numbers and cron expressions, and says what is allowed', () => {
  const faultOf = (name: string, value: string) => {
    try {
      readConfig({ [name]: value });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const value of ['x', '1.5', '-1', '65536', '1e400'])
    expect(faultOf('PORT', value)).toContain(`  PORT: must be a whole number from 0 to 65535 (found: "${value}")`);
  const crons = [
    'LONGWATCH_RECONCILE_CRON',
    'LONGWATCH_ARCHIVE_CRON',
    'LONGWATCH_RANK_CHECK_CRON',
    'LONGWATCH_DRIFT_REPORT_CRON',
  ];
  for (const name of crons)
    for (const value of ['nope', '99 * * * *', '* * * *', '0 0 L * *', '@never', '1 2 3 4 5 6 7 8'])
      expect(faultOf(name, value)).toContain(`  ${name}: must be a cron expression of five fields, like 30 3 * * *`);
  for (const value of [
    '*/5 1-3 * jan mon-fri',
    '@daily',
    '@every 30m',
    '0 3 * * * 2027',
    '0 0 3 * * * 2027',
    'CRON_TZ=Europe/Berlin 0 3 * * *',
  ])
    expect(faultOf('LONGWATCH_RECONCILE_CRON', value)).toBeUndefined();
});

it('each mode asks for what it needs, at once, and accepts what suffices', () => {
  const faults = (mode: 'all' | 'api' | 'worker', env: Record<string, string>) =>
    startFaults(mode, readConfig(env), env, everything).map(({ name }) => name);
  const parts = { TEMPORAL_ADDRESS: 'temporal:7233', LONGWATCH_AWS: 'true' };
  const secret = { LONGWATCH_SIGNING_SECRET: 'the-signing-secret-of-this-test-0123' };
  expect(faults('api', {})).toEqual([
    'LONGWATCH_API_KEYS',
    'LONGWATCH_SIGNING_SECRET',
    'TEMPORAL_ADDRESS',
    'DYNAMODB_ENDPOINT',
    'SAGEMAKER_ENDPOINT',
  ]);
  expect(faults('worker', parts)).toEqual(['LONGWATCH_SIGNING_SECRET']);
  expect(faults('worker', { ...parts, ...secret })).toEqual([]);
  expect(faults('api', { ...parts, ...secret, LONGWATCH_API_KEYS: 'pay:service:short' })).toEqual([
    'LONGWATCH_API_KEYS',
  ]);
  expect(
    faults('api', { ...parts, ...secret, LONGWATCH_API_KEYS: 'pay:service:0123456789abcdef', HOST: '0.0.0.0' }),
  ).toEqual([]);
  expect(faults('all', {})).toEqual([]);
  expect(faults('all', { HOST: '0.0.0.0' })).toEqual(['HOST']);
  expect(faults('all', { TEMPORAL_ADDRESS: 'x:1', TEMPORAL_TLS_CLIENT_CERT_DATA: 'pem' })).toEqual(['TEMPORAL_*']);
  expect(
    faults('worker', {
      ...secret,
      TEMPORAL_ADDRESS: 'x:1',
      DYNAMODB_ENDPOINT: 'http://x:1',
      SAGEMAKER_ENDPOINT: 'http://x:1',
      LONGWATCH_READINGS_STREAM: 'r',
    }),
  ).toEqual(['KINESIS_ENDPOINT']);
});

it('warns of a setting that nothing reads, and names the nearest', () => {
  expect(unknownVariables({ LONGWATCH_PROT: '1' })).toEqual([
    'LONGWATCH_PROT is not a setting and has no effect; did you mean PORT?',
  ]);
  expect(
    unknownVariables({ LONGWATCH_QUEUE: 'a', TEMPORAL_ADRESS: 'b', LONGWATCH_FOUR_EYES_ABOV: '1' }).map(
      (one) => /did you mean (\w+)/.exec(one)?.[1],
    ),
  ).toEqual(['LONGWATCH_QUEUES', 'TEMPORAL_ADDRESS', 'LONGWATCH_FOUR_EYES_ABOVE']);
  expect(unknownVariables({ LONGWATCH_SOMETHING_QUITE_DIFFERENT: '1' })).toEqual([
    'LONGWATCH_SOMETHING_QUITE_DIFFERENT is not a setting and has no effect; --help lists all settings',
  ]);
  const known = Object.fromEntries(configReference().map(({ name }) => [name, 'x']));
  const elsewhere = {
    TEMPORAL_API_KEY: 'x',
    TEMPORAL_TLS_SERVER_NAME: 'x',
    TEMPORAL_GRPC_META_TEAM: 'x',
    LONGWATCH_SECRET_ID: 'x',
    LONGWATCH_SERVICE_HOST: '10.0.0.1',
    LONGWATCH_PORT: 'tcp://10.0.0.1:80',
    LONGWATCH_PORT_80_TCP: 'tcp://10.0.0.1:80',
    HOME: 'x',
    LONGWATCH_PROT: '',
  };
  expect(unknownVariables({ ...known, ...elsewhere })).toEqual([]);
});

it('every variable is in the reference', () => {
  const names = configReference().map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(readConfig({}))));
  expect(configReference().find(({ name }) => name === 'PORT')).toEqual({
    name: 'PORT',
    fallback: '3000',
    description: expect.stringContaining('HTTP API'),
  });
});

it('budgets and deadlines are milliseconds by load class; a class that is not named keeps its default', () => {
  expect(readConfig({}).LONGWATCH_QUEUE_BUDGETS).toEqual({ money: 1_000, interactive: 1_000, bulk: 1_000 });
  expect(readConfig({ LONGWATCH_QUEUE_BUDGETS: 'money=3000, bulk=200' }).LONGWATCH_QUEUE_BUDGETS).toEqual({
    money: 3_000,
    interactive: 1_000,
    bulk: 200,
  });
  expect(readConfig({}).LONGWATCH_HANDLER_DEADLINES).toEqual({ money: 20_000, interactive: 30_000, bulk: 30_000 });
  for (const text of ['1000', 'money', 'money=1', 'gold=1000', 'money=1s', 'money=1000;bulk=1000'])
    expect(() => readConfig({ LONGWATCH_QUEUE_BUDGETS: text })).toThrow(
      /LONGWATCH_QUEUE_BUDGETS: must be class=milliseconds.*money, interactive, bulk/,
    );
});

it('a cart’s reminders are durations that ascend, its quiet hours a time of day, or none', () => {
  expect(readConfig({})).toMatchObject({
    LONGWATCH_CART_REMINDERS: [3_600_000, 86_400_000, 259_200_000],
    LONGWATCH_CART_QUIET_HOURS: { from: 21 * 60, to: 8 * 60 },
  });
  expect(readConfig({ LONGWATCH_CART_REMINDERS: 'none', LONGWATCH_CART_QUIET_HOURS: 'none' })).toMatchObject({
    LONGWATCH_CART_REMINDERS: [],
    LONGWATCH_CART_QUIET_HOURS: null,
  });
  for (const reminders of ['2h,1h', '1h,,2h', 'soon', '1h,1h', '-1h'])
    expect(() => readConfig({ LONGWATCH_CART_REMINDERS: reminders })).toThrow(
      'LONGWATCH_CART_REMINDERS: must be durations that ascend, like 1h,24h,72h, or none',
    );
  expect(() => readConfig({ LONGWATCH_CART_QUIET_HOURS: '9-5' })).toThrow(
    'LONGWATCH_CART_QUIET_HOURS: must be like 21:00-08:00, or none',
  );
});

it('JWTs need an issuer, and keys that nobody on the way can change', () => {
  const jwks =
    (url: string, more = {}) =>
    () =>
      readConfig({ LONGWATCH_JWKS_URL: url, LONGWATCH_JWT_ISSUER: 'https://login.test', ...more });
  expect(jwks('https://login.test/keys')().LONGWATCH_JWKS_URL).toBe('https://login.test/keys');
  expect(jwks('http://127.0.0.1:9000/keys')().LONGWATCH_JWKS_URL).toBe('http://127.0.0.1:9000/keys');
  for (const url of [
    'http://login.test/keys',
    'http://127.evil.test/keys',
    'http://localhost.evil.test/keys',
    'http://127.0.0.1@evil.test/keys',
  ])
    expect(jwks(url)).toThrow('LONGWATCH_JWKS_URL: must be https');
  expect(jwks('https://login.test/keys', { LONGWATCH_JWT_ISSUER: '' })).toThrow(
    'LONGWATCH_JWT_ISSUER: must be set together with LONGWATCH_JWKS_URL',
  );
});

it('trusted proxies are addresses and networks', () => {
  expect(readConfig({ LONGWATCH_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).LONGWATCH_TRUSTED_PROXIES).toEqual([
    '10.0.0.0/8',
    '::1',
  ]);
  for (const wrong of ['everybody', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', ',', 'true', '::/129'])
    expect(() => readConfig({ LONGWATCH_TRUSTED_PROXIES: wrong })).toThrow(
      'LONGWATCH_TRUSTED_PROXIES: must be addresses or networks',
    );
});

it('webhooks are signed with a key of their own, from which the signing secret does not follow', () => {
  const signing = 'the-signing-secret-of-this-test-0123';
  expect(webhookSecret(readConfig({}), signing)).toMatch(/^[0-9a-f]{64}$/);
  expect(webhookSecret(readConfig({ LONGWATCH_WEBHOOK_SECRET: 'given-to-the-receiver-0123456789abcd' }), signing)).toBe(
    'given-to-the-receiver-0123456789abcd',
  );
});
