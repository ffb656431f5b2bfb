// Before the SDK loads: no news for whoever runs this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { runCommand } from './commandLine';
import { query } from './devices/query';
import { simulateDevices } from './devices/simulate';

runCommand('devices', 'Readings of devices.', [query, simulateDevices]);
