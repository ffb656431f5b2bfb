import { z } from 'zod';
import { alertsSchema, MAX_GROUPS } from '../../domain/devices/alertSchema';
import { iso } from '../../domain/ids';
import type { Registry, StoredAlerts } from '../../operations/devices/registry';
import type { Device } from '../../stores/devices/devices';
import { deviceParams } from './readings';
import { ifMatchHeader, versionOf } from '../http/ifMatch';
import { type AnyRoute, type Reply, route } from '../http/router';
import { idSchema } from '../schemas';

/** What the routes of the device registry need. */
export interface DeviceAlertParts {
  registry: Registry;
}

const caseRoles = ['investigator', 'supervisor'] as const;
const groupParams = z.object({ groupId: idSchema });
const alertsBody = z.strictObject({ alerts: alertsSchema });
const alertsShown = z.object({
  version: z.int(),
  alerts: z.array(z.looseObject({ id: z.string(), kind: z.string() })),
});
const deviceShown = z.object({
  deviceId: z.string(),
  groups: z.array(z.string()),
  registeredAt: z.iso.datetime().optional(),
  erasingSince: z.iso.datetime().optional(),
  erasedAt: z.iso.datetime().optional(),
});

/** Routes of device registration, groups and alert rules. */
export function deviceAlertRoutes({ registry }: DeviceAlertParts): AnyRoute[] {
  return [
    getDevice(registry),
    putDevice(registry),
    ...alertsOf('/v1/devices/:deviceId/alerts', 'DeviceAlerts', deviceParams, {
      read: ({ deviceId }) => registry.alertsOfDevice(deviceId),
      put: ({ deviceId }, alerts, ifVersion) => registry.putDeviceAlerts(deviceId, alerts, ifVersion),
    }),
    ...alertsOf('/v1/device-groups/:groupId/alerts', 'GroupAlerts', groupParams, {
      read: ({ groupId }) => registry.alertsOfGroup(groupId),
      put: ({ groupId }, alerts, ifVersion) => registry.putGroupAlerts(groupId, alerts, ifVersion),
    }),
  ];
}

function shownDevice({ deviceId, groups, registeredAt, erasingSince, erasedAt }: Device): z.infer<typeof deviceShown> {
  return {
    deviceId,
    groups: [...groups],
    ...(registeredAt !== undefined && { registeredAt: iso(registeredAt) }),
    ...(erasingSince !== undefined && { erasingSince: iso(erasingSince) }),
    ...(erasedAt !== undefined && { erasedAt: iso(erasedAt) }),
  };
}

const getDevice = (registry: Registry): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/devices/:deviceId',
    operationId: 'getDevice',
    tag: 'devices',
    loadClass: 'interactive',
    summary: 'A device’s registration and groups, and whether it is being erased',
    roles: ['service', ...caseRoles],
    params: deviceParams,
    responses: {
      200: { description: 'The device', schema: deviceShown },
      404: { description: 'The device was never registered' },
    },
    handler: async ({ params: { deviceId } }) => ({ status: 200, body: shownDevice(await registry.device(deviceId)) }),
  });

const putDevice = (registry: Registry): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/devices/:deviceId',
    operationId: 'registerDevice',
    tag: 'devices',
    loadClass: 'interactive',
    summary: 'Register a device, or change its groups',
    roles: ['service', ...caseRoles],
    params: deviceParams,
    body: z.strictObject({
      groups: z
        .array(idSchema, 'must be a list of groups')
        .max(MAX_GROUPS, `must be at most ${MAX_GROUPS} groups`)
        .default([]),
    }),
    responses: {
      200: { description: 'The device', schema: deviceShown },
      409: { description: 'The device is being erased' },
    },
    handler: async ({ params: { deviceId }, body: { groups } }) => {
      await registry.register(deviceId, [...new Set(groups)]);
      return { status: 200, body: shownDevice(await registry.device(deviceId)) };
    },
  });

interface AlertsAccess<P> {
  read(params: P): Promise<StoredAlerts>;
  put(params: P, alerts: z.infer<typeof alertsSchema>, ifVersion: number): Promise<number>;
}

function alertsOf<P>(path: string, name: string, params: z.ZodType<P>, access: AlertsAccess<P>): AnyRoute[] {
  const answer = ({ version, alerts }: StoredAlerts): Reply => ({
    status: 200,
    body: { version, alerts },
    headers: { etag: `"${version}"` },
  });
  return [
    route({
      method: 'get',
      path,
      operationId: `get${name}`,
      tag: 'devices',
      loadClass: 'interactive',
      summary: 'The alert rules, with their version as ETag; version 0 if none were ever set',
      roles: ['service', ...caseRoles],
      params,
      responses: { 200: { description: 'The alert rules', schema: alertsShown } },
      handler: async (input) => answer(await access.read(input.params)),
    }),
    route({
      method: 'put',
      path,
      operationId: `put${name}`,
      tag: 'devices',
      loadClass: 'interactive',
      summary: 'Replace the alert rules; every process applies them within LONGWATCH_DEVICE_CACHE_MS',
      roles: caseRoles,
      params,
      body: alertsBody,
      headers: [ifMatchHeader],
      responses: {
        200: { description: 'The alert rules', schema: alertsShown },
        412: { description: 'The version is not the current one' },
        428: { description: 'If-Match is missing' },
      },
      handler: async (input) => {
        const version = await access.put(input.params, input.body.alerts, versionOf(input.header('if-match')));
        return answer({ version, alerts: input.body.alerts });
      },
    }),
  ];
}
