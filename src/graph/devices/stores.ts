import type { devicesSettings } from '../../config/devices';
import { DEFAULT_BUCKET } from '../../config/endpoints';
import { DeviceArchive } from '../../gateways/devices/deviceArchive';
import { Objects } from '../../gateways/s3/objects';
import { ArchivedReadings } from '../../operations/devices/archivedReadings';
import { ArchiveStore } from '../../stores/devices/archives';
import { DayStore } from '../../stores/devices/days';
import { DeviceStore } from '../../stores/devices/devices';
import { withId } from '../../stores/devices/readingId';
import { LiveStore } from '../../stores/devices/live';
import { ReadingStore } from '../../stores/devices/readings';
import { RetentionStore } from '../../stores/devices/retention';
import { RollupStore } from '../../stores/devices/rollups';
import { SentinelStore } from '../../stores/devices/sentinels';
import type { Services } from '../capability';

/** The services with the settings of devices. */
export type DeviceServices = Services<typeof devicesSettings>;
/** The stores of devices and the archive. */
export type DeviceStores = ReturnType<typeof openStores>;

/** Opens the tables of device data and the archive in S3. */
export function openStores({ config, endpoints, db, watchCall }: DeviceServices) {
  const days = new DayStore(db);
  const archives = new ArchiveStore(db, days);
  // Without a configured bucket, no code calls this client.
  const objects = new Objects({ region: config.AWS_REGION, bucket: DEFAULT_BUCKET, ...endpoints.s3, watch: watchCall });
  const archive = new DeviceArchive(objects, { partBytes: config.LONGWATCH_ARCHIVE_FILE_BYTES }, withId);
  return {
    devices: new DeviceStore(db),
    readings: new ReadingStore(db),
    live: new LiveStore(db),
    rollups: new RollupStore(db),
    sentinels: new SentinelStore(db),
    days,
    retention: new RetentionStore(db),
    archives,
    objects,
    archive,
    archived: new ArchivedReadings({ archives, archive }),
  };
}
