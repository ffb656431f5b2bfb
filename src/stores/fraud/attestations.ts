import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Person } from '../../domain/fraud/investigation';
import { compositeKey } from '../../domain/ids';
import { type Db, isConditionFailure } from '../dynamodb';

/** What the API knows about the sender of a request that it is about to pass on. */
export interface Attestation {
  id: string;
  transactionId: string;
  name: string;
  role: string;
  /** What the sender asked for (see `claimOf`); the attestation proves nothing else. */
  claim: string;
  at: number;
}

const attestationKey = (id: string): string => compositeKey('attestation', id);

/** What the API attests about who decided, kept beside the case, so that no secret enters a workflow's history. */
export class AttestationStore {
  constructor(private readonly db: Db) {}

  /** Records who is about to ask for what. The same attestation twice is one. */
  async attest({ id, transactionId, name, role, claim, at }: Attestation): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.table,
        Item: { TransactionID: transactionId, Entry: attestationKey(id), Name: name, Role: role, Claim: claim, At: at },
        // The race: a request sent again while its first sending is under way. What was consumed stays consumed.
        ConditionExpression: 'attribute_not_exists(Entry) OR (#name = :name AND #role = :role AND Claim = :claim)',
        ExpressionAttributeNames: { '#name': 'Name', '#role': 'Role' },
        ExpressionAttributeValues: { ':name': name, ':role': role, ':claim': claim },
      }),
    );
  }

  /**
   * Uses up an attestation for one update. Asking again for the same update gives the same answer.
   * @returns who was attested, or undefined when it attests something else, was used for another update, or is not
   *   there.
   */
  async consume(transactionId: string, id: string, claim: string, updateId: string): Promise<Person | undefined> {
    try {
      const { Attributes } = await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { TransactionID: transactionId, Entry: attestationKey(id) },
          UpdateExpression: 'SET ConsumedBy = :update',
          // The race: one attestation presented by two updates. The first one has it.
          ConditionExpression: 'Claim = :claim AND (attribute_not_exists(ConsumedBy) OR ConsumedBy = :update)',
          ExpressionAttributeValues: { ':update': updateId, ':claim': claim },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return { name: Attributes?.['Name'] as string, proof: 'api', role: Attributes?.['Role'] as string };
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  private get table(): string {
    return this.db.table('Investigations');
  }
}
