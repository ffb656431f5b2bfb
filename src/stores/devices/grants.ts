import type { CapabilityGrants } from '../grants';

/** The DynamoDB actions that the devices' code uses. */
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
    /** Stores the readings of the Kinesis stream. */
    readings: {
      Devices: 'BatchGetItem',
      DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
      DeviceData: 'BatchWriteItem PutItem',
      Archives: 'GetItem Query',
    },
    /** Updates rollups and alerts from the stream of DeviceData. */
    rollups: {
      DeviceRollups: 'BatchGetItem PutItem',
      Devices: 'BatchGetItem PutItem',
      DeviceDeadlines: 'DeleteItem PutItem',
      Starts: 'PutItem',
    },
    /** Stores readings from AWS IoT Core. */
    iot: {
      Devices: 'BatchGetItem',
      DeviceDays: 'ConditionCheckItem GetItem PutItem UpdateItem',
      DeviceData: 'BatchWriteItem PutItem',
      Archives: 'GetItem Query',
      DeadLetters: 'BatchWriteItem',
    },
  },
} as const satisfies CapabilityGrants;
