import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running stack is, for programs beside it that know only its data folder. */
export interface Addresses {
  api: string;
  /** Absent with an external Temporal whose UI is not configured. */
  ui?: string;
  namespace: string;
  /** Where the parts behind the API are; `AWS` where that is AWS itself. */
  parts: { DynamoDB: string; Kinesis?: string; S3?: string; MQTT?: string; model?: string; Temporal: string };
}

const file = (dataDir: string): string => join(dataDir, 'addresses.json');

export function writeAddresses(dataDir: string, addresses: Addresses): void {
  writeFileSync(file(dataDir), JSON.stringify(addresses, null, 2));
}

/** Of the stack that ran there last; undefined where none did. */
export function readAddresses(dataDir: string): Addresses | undefined {
  try {
    return JSON.parse(readFileSync(file(dataDir), 'utf8')) as Addresses;
  } catch {
    return undefined; // Nothing was started there yet: the caller has defaults.
  }
}
