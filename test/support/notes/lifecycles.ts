import { type Lifecycles, rowed } from '../../../src/domain/platform/lifecycle';

export const noteLifecycles = {
  noteReminder: rowed('The reminder ends when the note was shown.'),
} as const satisfies Lifecycles;
