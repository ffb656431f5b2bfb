import type { CapabilityGrants } from '../grants';

export const deviceGrants = {
  routes: {
    Archives: 'GetItem Query',
    DeviceData: 'BatchWriteItem PutItem Query',
    DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
    DeviceRollups: 'Query',
    Devices: 'BatchGetItem GetItem UpdateItem',
  },
  activities: {
    Archives: 'GetItem PutItem Query UpdateItem',
    DeviceData: 'BatchWriteItem PutItem Query',
    DeviceDays: 'BatchWriteItem DeleteItem PutItem Query UpdateItem',
    DeviceDeadlines: 'DeleteItem PutItem Query',
    DeviceRollups: 'BatchWriteItem DeleteItem PutItem Query',
    Devices: 'BatchGetItem BatchWriteItem GetItem PutItem Query Scan',
  },
  functions: {
    /** Kinesis: readings to store. */
    readings: {
      Devices: 'BatchGetItem',
      DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
      DeviceData: 'BatchWriteItem PutItem',
      Archives: 'GetItem Query',
    },
    /** The stream of DeviceData: rollups and alerts. */
    rollups: {
      DeviceRollups: 'BatchGetItem PutItem',
      Devices: 'BatchGetItem PutItem',
      DeviceDeadlines: 'DeleteItem PutItem',
      Starts: 'PutItem',
    },
    /** AWS IoT Core: readings to store. */
    iot: {
      Devices: 'BatchGetItem',
      DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
      DeviceData: 'BatchWriteItem PutItem',
      Archives: 'GetItem Query',
      DeadLetters: 'BatchWriteItem',
    },
  },
} as const satisfies CapabilityGrants;
