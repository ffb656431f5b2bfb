// Before the SDK loads: no news for whoever runs this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { runCommand } from './commandLine';
import { backtest } from './fraud/backtest';
import { drift } from './fraud/drift';
import { features } from './fraud/features';
import { labels } from './fraud/labels';
import { promote, shadow } from './fraud/shadow';
import { simulate } from './fraud/simulate';
import { train } from './fraud/train';

runCommand(
  'fraud',
  'The life of a fraud model: simulated payments, features, training and backtests, through the code that serves it.',
  [simulate, features, train, backtest, shadow, promote, drift, labels],
);
