import { sessionsEndedLetter } from '../../../src/domain/sessions/letters';

it('a message lists the ended sessions with ISO times, and has the time of the latest', () => {
  const { text, ...rest } = sessionsEndedLetter('session.ended.x', 'app', [
    { id: 'h1.ended', handle: 'h1', userId: 'ada', reason: 'idle', at: 2_000 },
    { id: 'h2.ended', handle: 'h2', reason: 'logout', at: 1_000 },
  ]);
  expect(rest).toEqual({ id: 'session.ended.x', recipient: 'app', subject: 'session.ended', at: 2_000 });
  expect(JSON.parse(text)).toEqual({
    type: 'session.ended',
    events: [
      { id: 'h1.ended', handle: 'h1', userId: 'ada', reason: 'idle', at: '1970-01-01T00:00:02.000Z' },
      { id: 'h2.ended', handle: 'h2', reason: 'logout', at: '1970-01-01T00:00:01.000Z' },
    ],
  });
});
