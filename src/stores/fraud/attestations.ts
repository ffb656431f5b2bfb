import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Person } from '../../domain/fraud/investigation';
import { compositeKey } from '../../domain/ids';
import { itemType, text } from '../items';
import { type Db, isConditionFailure } from '../dynamodb';
import { fraudTables } from './tables';

/** A record by the API of who sent a request that the API passes on to a workflow. */
export interface Attestation {
  id: string;
  transactionId: string;
  name: string;
  role: string;
  /** The content of the request (see `claimOf`). The attestation is only valid for this content. */
  claim: string;
  at: number;
}

const senderItems = itemType(fraudTables, 'Investigations', { name: text('Name'), role: text('Role') });

const attestationKey = (id: string): string => compositeKey('attestation', id);

/** Attestations, stored with the case in the table Investigations, so that no secret enters a workflow's history. */
export class AttestationStore {
  constructor(private readonly db: Db) {}

  /**
   * Records an attestation. A repeated call with the same name, role and claim succeeds and changes only the time: an
   * attestation that an update has consumed stays consumed.
   */
  async attest({ id, transactionId, name, role, claim, at }: Attestation): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: { TransactionID: transactionId, Entry: attestationKey(id) },
        UpdateExpression: 'SET #name = :name, #role = :role, Claim = :claim, #at = :at',
        // Race: the same request arrives again while its first attempt runs. Another sender or content under the same
        // id is refused.
        ConditionExpression: 'attribute_not_exists(Entry) OR (#name = :name AND #role = :role AND Claim = :claim)',
        ExpressionAttributeNames: { '#name': 'Name', '#role': 'Role', '#at': 'At' },
        ExpressionAttributeValues: { ':name': name, ':role': role, ':claim': claim, ':at': at },
      }),
    );
  }

  /**
   * Consumes an attestation for one update. A repeated call for the same update returns the same answer.
   * @returns the attested person, or undefined if the attestation has another claim, is consumed by another update, or
   *   does not exist.
   */
  async consume(transactionId: string, id: string, claim: string, updateId: string): Promise<Person | undefined> {
    try {
      const { Attributes = {} } = await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { TransactionID: transactionId, Entry: attestationKey(id) },
          UpdateExpression: 'SET ConsumedBy = :update',
          // Race: two updates present the same attestation. The first one consumes it.
          ConditionExpression: 'Claim = :claim AND (attribute_not_exists(ConsumedBy) OR ConsumedBy = :update)',
          ExpressionAttributeValues: { ':update': updateId, ':claim': claim },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return { ...senderItems.read(Attributes), proof: 'api' };
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  private get table(): string {
    return this.db.table('Investigations');
  }
}
