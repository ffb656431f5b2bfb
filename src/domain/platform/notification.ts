/** A message for a person or a team, as the channels send it. */
export interface Notification {
  /** The same however often it is sent: receivers drop what they have seen. */
  id: string;
  recipient: string;
  subject: string;
  text: string;
  /** For the recipient alone; never kept, never logged. */
  link?: string;
  /** Epoch ms. */
  at: number;
}
