import type { MailMapped } from '@tidings/contracts/events/gateway';
import { type ConversationId, derivedId } from '@tidings/contracts/ids';

export const category = 'mapping';

/** One mail of a conversation: `name` is what tells it from others, its Message-ID or the id that we gave it. */
export const mappingKey = (conversation: ConversationId, direction: MailMapped['data']['direction'], name: string): string =>
  `${conversation}.${derivedId('mapping', direction, name)}`;
