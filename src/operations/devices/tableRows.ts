import type { Day } from '../../domain/devices/days';
import type { StoredRow } from '../../stores/devices/keys';
import type { ReadingStore } from '../../stores/devices/readings';

/** Number of devices whose first page is read ahead. A page has up to 1 MB. */
const AHEAD = 4;

/** A device, or a period of its day: epoch ms, `to` exclusive. */
export interface DeviceStretch {
  deviceId: string;
  from?: number;
  to?: number;
}

/**
 * Yields the rows of a day, device by device in the given order, each in order of time. Each yield is one page of the
 * table.
 */
export async function* tableRows(
  readings: ReadingStore,
  day: Day,
  stretches: readonly DeviceStretch[],
): AsyncGenerator<StoredRow[]> {
  const ahead: AsyncGenerator<StoredRow[]>[] = [];
  const first: Promise<IteratorResult<StoredRow[]>>[] = [];
  let next = 0;
  const fetch = () => {
    const stretch = stretches[next++];
    if (!stretch) return;
    const pages = readings.pages({ ...stretch, day });
    const page = pages.next();
    page.catch(() => undefined); // The caller gets the error when it awaits the page.
    ahead.push(pages);
    first.push(page);
  };
  for (let i = 0; i < AHEAD; i++) fetch();
  for (let pages = ahead.shift(), page = first.shift(); pages && page; pages = ahead.shift(), page = first.shift()) {
    fetch();
    for (let result = await page; !result.done;) {
      const following = pages.next();
      following.catch(() => undefined); // The caller gets the error when it awaits the page.
      if (result.value.length > 0) yield result.value;
      result = await following;
    }
  }
}
