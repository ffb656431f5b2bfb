import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/graph/config';
import { DEFAULT_BUCKET, LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { partKey } from '../../src/domain/devices/archive';
import type { Day } from '../../src/domain/devices/days';
import { DeviceArchive } from '../../src/gateways/devices/deviceArchive';
import { Objects } from '../../src/gateways/s3/objects';
import { LabError } from '../../src/lab/errors';
import { readAddresses } from '../../src/local/addresses';
import { ArchiveStore } from '../../src/stores/devices/archives';
import { DayStore } from '../../src/stores/devices/days';
import { withId } from '../../src/stores/devices/readingId';
import { openTables } from '../fraud/parts';

/**
 * Opens the archive's bucket: from the environment, or of the Longwatch that runs on this machine.
 * @throws LabError if neither is known.
 */
function openObjects(): Objects {
  const config = readConfig();
  const found = config.S3_ENDPOINT ?? readAddresses(config.LONGWATCH_DATA_DIR)?.parts.S3;
  if (found === undefined && !config.LONGWATCH_AWS)
    throw new LabError(
      'The archive is not known. Start Longwatch with npm start (LONGWATCH_DATA_DIR is its data ' +
        'folder), or set S3_ENDPOINT, or LONGWATCH_AWS=true',
    );
  const isAws = found === undefined || found === 'AWS';
  const credentials = process.env['AWS_ACCESS_KEY_ID'] ? {} : { credentials: LOCAL_CREDENTIALS };
  return new Objects({
    region: config.AWS_REGION,
    bucket: config.LONGWATCH_ARCHIVE_BUCKET ?? DEFAULT_BUCKET,
    ...(!isAws && { endpoint: found, ...credentials }),
  });
}

/**
 * Downloads the files of the archived days from `from` to `to`, as listed in their manifests. A file that exists
 * locally is not downloaded again: its name contains its checksum, so its content never changes.
 * @returns the paths of the files, in Hive layout.
 * @throws LabError if the archive is not known.
 */
export async function fetchArchive(
  folder: string,
  { from, to }: { from: Day; to: Day },
  onFile: (name: string, bytes: number) => void,
): Promise<string[]> {
  const { db, close } = openTables();
  const objects = openObjects();
  const archive = new DeviceArchive(objects, { partBytes: 1 }, withId);
  const files: string[] = [];
  try {
    for await (const { day, generation, state } of new ArchiveStore(db, new DayStore(db)).between(from, to)) {
      if (state === 'expired') continue;
      for (const part of (await archive.manifest(day, generation)).parts) {
        const path = join(
          folder,
          `dt=${day}`,
          `${part.name.replace('.parquet', '')}-${part.sha256.slice(0, 16)}.parquet`,
        );
        files.push(path);
        if (existsSync(path)) continue;
        onFile(part.name, part.bytes);
        mkdirSync(join(folder, `dt=${day}`), { recursive: true });
        // Renamed when it is complete, so that an interrupted download is not taken for the file.
        writeFileSync(`${path}.part`, await objects.bytes(partKey(day, part.name), 0, part.bytes));
        renameSync(`${path}.part`, path);
      }
    }
    return files;
  } finally {
    objects.close();
    close();
  }
}
