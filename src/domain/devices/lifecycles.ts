import { child, job, repeated, rowed, standing, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of devices; decision 0034 has the reasons. */
export const deviceLifecycles = {
  eraseDevice: rowed('An erasure that was requested runs to its end.'),
  eraseDay: child('It is a step of an erasure, which runs to its end.', 'fails'),
  deviceAlerts: repeated('It ends when the messages are sent; change the alerts of the device to get fewer.'),
  rollupCheck: { ...repeated('It ends when the rollups match the readings.'), refused: 'itself' },
  rollupCheckDay: child('It is a step of a check of rollups, which runs to its end.', 'fails'),
  silence: standing('The search for silent devices never ends; change the alerts of the devices instead.'),
  archiveDay: {
    cancelled: 'continues',
    restartedBy: 'schedule',
    refused: 'fails',
    instead:
      'Archiving ends when the day is verified in the archive. Terminating it loses nothing: the next scheduled ' +
      'scan archives the day.',
  },
  expireDay: {
    cancelled: 'continues',
    restartedBy: 'schedule',
    refused: 'fails',
    instead: 'It ends when the files of the day are deleted.',
  },
  archiveDue: job('schedule', 'The next scheduled run continues its work.'),
  restoreDay: job(
    'nobody',
    'Restore the day again to bring back the rest of its rows: POST /v1/archives/{date}/restore.',
  ),
} as const satisfies Lifecycles;
