import { GetCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { Counter, type Registry } from 'prom-client';
import { z } from 'zod';
import { asFailure } from '../../../src/activities/failures';
import { type AnyRoute, route } from '../../../src/api/http/router';
import { idSchema } from '../../../src/api/schemas';
import type { SettingsOf } from '../../../src/config';
import { duration } from '../../../src/config/values';
import { lineOf } from '../../../src/domain/edge/schemas';
import { startEntry } from '../../../src/domain/platform/outbox';
import { declareCapability, erased, type Services } from '../../../src/graph/capability';
import { stringKey } from '../../../src/stores/tableSpec';
import { noteLifecycles } from './lifecycles';

const NOTES_QUEUE = 'longwatch-notes';

export interface NoteActivities {
  remind(noteId: string): Promise<void>;
}

const notesSettings = {
  LONGWATCH_NOTE_REMIND_AFTER_MS: duration(1_000).describe('Notes: time from a note to its reminder'),
};

class NoteMetrics {
  private readonly reminded: Counter;

  constructor(registry: Registry) {
    this.reminded = new Counter({
      name: 'longwatch_notes_reminded_total',
      help: 'Notes that somebody was reminded of',
      registers: [registry],
    });
  }

  remind(): void {
    this.reminded.inc();
  }
}

type NoteServices = Services<typeof notesSettings>;

function noteRoutes({ config, db, outbox, note }: NoteServices): AnyRoute[] {
  const table = db.table('Notes');
  return [
    route({
      method: 'put',
      path: '/v1/notes/:noteId',
      operationId: 'putNote',
      tag: 'notes',
      loadClass: 'interactive',
      summary: 'Writes a note, of which a workflow reminds',
      roles: ['service'],
      params: z.object({ noteId: idSchema }),
      body: z.strictObject({ text: lineOf(1, 200) }),
      responses: { 201: { description: 'Written' } },
      handler: async ({ params: { noteId }, body: { text } }) => {
        const input = { noteId, waitMs: waitOf(config) };
        const start = startEntry(
          {
            workflowId: `note-reminder/${noteId}`,
            workflowType: 'noteReminder',
            taskQueue: NOTES_QUEUE,
            args: [input],
            summary: `Note **${noteId}**`,
            searchAttributes: {},
          },
          Date.now(),
        );
        await db.client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Put: { TableName: table, Item: { NoteID: noteId, Text: text } } },
              outbox.recording(start),
            ],
          }),
        );
        outbox.dispatchSoon(start);
        note({ area: 'notes', tone: 'routine', text: 'note written', count: 1 });
        return { status: 201, body: { noteId } };
      },
    }),
    route({
      method: 'get',
      path: '/v1/notes/:noteId',
      operationId: 'getNote',
      tag: 'notes',
      loadClass: 'interactive',
      summary: 'A note',
      roles: ['service'],
      params: z.object({ noteId: idSchema }),
      responses: { 200: { description: 'The note', schema: z.looseObject({ reminded: z.boolean() }) } },
      handler: async ({ params: { noteId } }) => {
        const { Item } = await db.client.send(
          new GetCommand({ TableName: table, Key: { NoteID: noteId }, ConsistentRead: true }),
        );
        return { status: 200, body: { text: Item?.['Text'], reminded: Item?.['Reminded'] === true } };
      },
    }),
  ];
}

const waitOf = ({ LONGWATCH_NOTE_REMIND_AFTER_MS }: SettingsOf<typeof notesSettings>): number =>
  LONGWATCH_NOTE_REMIND_AFTER_MS;

/** A capability that only tests have: what a seventh one needs, in files of its own. */
export const notes = erased(
  declareCapability({
    name: 'notes',
    title: 'Notes',
    tables: { Notes: { partitionKey: stringKey('NoteID') } },
    grants: { routes: { Notes: 'GetItem PutItem' }, activities: { Notes: 'UpdateItem' } },
    queues: { [NOTES_QUEUE]: { concurrentActivities: 5, group: 'requests' } },
    lifecycles: noteLifecycles,
    workflowsPath: () => require.resolve('./workflows'),
    workflowIds: { 'note-reminder': ['noteId'] },
    requestIds: { names: ['noteId'] },
    settings: notesSettings,
    metrics: NoteMetrics,
    page: {
      sizes: { Notes: 'notes kept' },
      counters: [{ metric: 'longwatch_notes_reminded_total', label: () => 'reminded' }],
    },
    build: (services, metrics) => ({
      routes: noteRoutes(services),
      activities: {
        [NOTES_QUEUE]: {
          remind: (noteId) =>
            asFailure(async () => {
              const write = {
                TableName: services.db.table('Notes'),
                Key: { NoteID: noteId },
                UpdateExpression: 'SET Reminded = :yes',
                ExpressionAttributeValues: { ':yes': true },
              };
              await services.db.client.send(new UpdateCommand(write));
              metrics.remind();
            }),
        } satisfies NoteActivities,
      },
      standing: [],
    }),
  }),
);
