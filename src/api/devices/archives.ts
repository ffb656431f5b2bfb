import { z } from 'zod';
import { type ArchivedDay, archiveStates } from '../../domain/devices/archive';
import { type Day, isDay } from '../../domain/devices/days';
import { line } from '../../domain/edge/schemas';
import { resolutions } from '../../domain/devices/rollup';
import { iso } from '../../domain/ids';
import type { ExpiredRollups } from '../../operations/devices/expiredRollups';
import type { RequestedDayJobs } from '../../operations/devices/requestedDayJobs';
import type { ArchiveStore } from '../../stores/devices/archives';
import { deviceParams } from './readings';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, limitSchema } from '../schemas';

/** What the routes of archives need. */
export interface ArchiveParts {
  archives: ArchiveStore;
  jobs: RequestedDayJobs;
  expiredRollups: Pick<ExpiredRollups, 'state'>;
  startRollupCheck(day: Day): Promise<string>;
}

const operatorRoles = ['supervisor'] as const;
const dayParams = z.object({
  date: line('must be a day like 2026-01-31').refine(isDay, 'must be a day like 2026-01-31'),
});
const archiveShown = z.object({
  date: z.string(),
  state: z.enum(archiveStates),
  manifest: z.int(),
  rows: z.int(),
  files: z.int(),
  bytes: z.int(),
  archivedAt: z.iso.datetime(),
  since: z.iso.datetime(),
});
const started = z.object({ workflowId: z.string() });

/** Routes of archived days, restores, retention and erasures. */
export function archiveRoutes(parts: ArchiveParts): AnyRoute[] {
  return [
    listArchives(parts),
    getArchive(parts),
    postArchive(parts),
    postRestore(parts),
    postRollupCheck(parts),
    getRetention(parts),
    deleteDevice(parts),
  ];
}

const shown = ({
  day,
  state,
  generation,
  rows,
  parts,
  bytes,
  archivedAt,
  since,
}: ArchivedDay): z.infer<typeof archiveShown> => ({
  date: day,
  state,
  manifest: generation,
  rows,
  files: parts,
  bytes,
  archivedAt: iso(archivedAt),
  since: iso(since),
});

const listArchives = ({ archives }: ArchiveParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/archives',
    operationId: 'listArchives',
    tag: 'devices',
    loadClass: 'bulk',
    summary: 'Archived days, newest first',
    roles: ['service', ...operatorRoles],
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(archiveShown), cursor: z.string().optional() }) },
    },
    handler: async ({ query: { cursor, limit = 50 } }) => {
      const page = await archives.page({ limit, cursor });
      return { status: 200, body: { ...page, items: page.items.map(shown) } };
    },
  });

const getArchive = ({ jobs }: ArchiveParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/archives/:date',
    operationId: 'getArchive',
    tag: 'devices',
    loadClass: 'bulk',
    summary: 'One archived day',
    roles: ['service', ...operatorRoles],
    params: dayParams,
    responses: {
      200: { description: 'The day', schema: archiveShown },
      404: { description: 'The day is not archived' },
    },
    handler: async ({ params: { date } }) => ({ status: 200, body: shown(await jobs.find(date)) }),
  });

const postArchive = ({ jobs }: ArchiveParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/archives/:date',
    operationId: 'archiveDay',
    tag: 'devices',
    loadClass: 'bulk',
    summary: 'Archive a day now, or its late readings; the archiver also does this by itself',
    roles: operatorRoles,
    params: dayParams,
    responses: {
      202: { description: 'Started', schema: started },
      409: { description: 'The day has not ended, or another job works on it' },
    },
    handler: async ({ params: { date } }) => ({ status: 202, body: { workflowId: await jobs.archive(date) } }),
  });

const postRestore = ({ jobs }: ArchiveParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/archives/:date/restore',
    operationId: 'restoreDay',
    tag: 'devices',
    loadClass: 'bulk',
    summary: 'Restore an archived day to the table; its files stay',
    roles: operatorRoles,
    params: dayParams,
    responses: {
      202: { description: 'Started', schema: started },
      404: { description: 'The day is not archived' },
      409: { description: 'Another job works on the day' },
    },
    handler: async ({ params: { date } }) => ({ status: 202, body: { workflowId: await jobs.restore(date) } }),
  });

const postRollupCheck = ({ startRollupCheck }: ArchiveParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/rollups/:date/check',
    operationId: 'checkRollups',
    tag: 'devices',
    loadClass: 'bulk',
    summary:
      'Compare the rollups of a day with its readings, and put right what is wrong; a gap in the stream does it ' +
      'by itself',
    roles: operatorRoles,
    params: dayParams,
    responses: {
      202: { description: 'Started', schema: started },
      409: { description: 'The retention of its readings or rollups has ended' },
    },
    handler: async ({ params: { date } }) => ({ status: 202, body: { workflowId: await startRollupCheck(date) } }),
  });

const getRetention = ({ expiredRollups }: ArchiveParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/retention',
    operationId: 'getRetention',
    tag: 'devices',
    loadClass: 'interactive',
    summary: 'Retention of readings, rollups and archives in days, and the day up to which rollups were deleted',
    roles: ['service', ...operatorRoles],
    responses: {
      200: {
        description: 'The retention, and how far it is applied',
        schema: z.object({
          keptDays: z.object({ rollups: z.record(z.enum(resolutions), z.int()), archive: z.int(), restored: z.int() }),
          rollupsDeletedUntil: z.partialRecord(z.enum(resolutions), z.string()),
        }),
      },
    },
    handler: async () => {
      const { kept, deletedUntil } = await expiredRollups.state();
      return { status: 200, body: { keptDays: kept, rollupsDeletedUntil: deletedUntil } };
    },
  });

const deleteDevice = ({ jobs }: ArchiveParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/devices/:deviceId',
    operationId: 'eraseDevice',
    tag: 'devices',
    loadClass: 'bulk',
    summary:
      'Erase a device: readings in table and archive, rollups, alerts, registration. Nothing of it is taken meanwhile',
    roles: operatorRoles,
    params: deviceParams,
    responses: { 202: { description: 'Started; GET of the device shows when it was erased', schema: started } },
    handler: async ({ params: { deviceId } }) => ({ status: 202, body: { workflowId: await jobs.erase(deviceId) } }),
  });
