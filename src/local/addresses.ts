import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Addresses of a running stack, stored in its data folder for other programs on this machine. */
export interface Addresses {
  api: string;
  /** Absent with an external Temporal whose Web UI is not configured. */
  ui?: string;
  namespace: string;
  /** Addresses of the services that the API uses; `AWS` for AWS itself. */
  parts: { DynamoDB: string; Kinesis?: string; S3?: string; MQTT?: string; model?: string; Temporal: string };
}

const file = (dataDir: string): string => join(dataDir, 'addresses.json');

/** Stores the addresses in the data folder. */
export function writeAddresses(dataDir: string, addresses: Addresses): void {
  writeFileSync(file(dataDir), JSON.stringify(addresses, null, 2));
}

/** Reads the addresses of the stack that last used the data folder; undefined if there was none. */
export function readAddresses(dataDir: string): Addresses | undefined {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8')) as Addresses;
  } catch {
    return undefined; // No stack has used this folder yet. The caller uses its defaults.
  }
}
