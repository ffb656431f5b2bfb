import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ConfigError } from '../config';
import { awsHttp } from '../gateways/aws/http';

/** Whether the secret's value is an object of strings. */
const isSettings = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === 'string');

/**
 * Returns the settings, together with those of the secret that `LONGWATCH_SECRET_ID` names (a JSON object of strings).
 * With this, the function's configuration contains no secrets, which everyone who may list functions could read.
 * @throws ConfigError if the secret is not such an object; the message does not show its content
 */
export async function withSecrets(
  env: Record<string, string | undefined>,
): Promise<Record<string, string | undefined>> {
  const SecretId = env['LONGWATCH_SECRET_ID'];
  if (!SecretId) return env;
  const client = new SecretsManagerClient({
    requestHandler: awsHttp({ silentMs: 5_000 }),
    ...(env['SECRETS_MANAGER_ENDPOINT'] && { endpoint: env['SECRETS_MANAGER_ENDPOINT'] }),
  });
  try {
    const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }));
    return { ...env, ...parsed(SecretString) };
  } finally {
    client.destroy();
  }
}

function parsed(text: string): Record<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isSettings(value))
    throw new ConfigError(
      'LONGWATCH_SECRET_ID: the secret must be a JSON object whose values are strings (its content is not shown)',
    );
  return value;
}
