/** What each strategy after the token finds, among the mails that the gateway itself recorded (gateway contract, order of matching). */
import type { Strategy } from '@tidings/contracts/events/gateway';
import type { ConversationId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { messageIdHeader } from '@tidings/domain/gateway/message-id';
import { normalisedSubject } from '@tidings/domain/gateway/subject';
import type { ReplyMail } from '@tidings/infra/mime/mime';
import { mappingsFor } from '@tidings/projections/mappings/index';
import type { Platform } from '../../../platform/src/platform.ts';

type Parts = Pick<Platform, 'often' | 'liveSchema'>;

const MOST_REFERENCES = 20;
const WINDOW_MS = 30 * 86_400_000;

export interface Found {
  readonly found: readonly { readonly strategy: Strategy; readonly conversationId: ConversationId }[];
  /** It is one of those that we sent ourselves. */
  readonly isOwn: boolean;
}

/** @param receivedAt in milliseconds @param from its author, in normal form */
export const findConversations = async (platform: Parts, mail: ReplyMail, from: string, receivedAt: number): Promise<Found> => {
  const schema = platform.liveSchema('mappings');
  const { messageId, inReplyTo, references, subject } = mail.content;
  const own = headers([messageId]);
  const answered = headers(inReplyTo);
  const nearestFirst = headers(references.toReversed()).slice(0, MOST_REFERENCES);
  const sought = {
    ...{ messageIds: [...own, ...answered, ...nearestFirst], sender: from, subject: normalisedSubject(subject) },
    since: timestamp(receivedAt - WINDOW_MS),
  };
  const rows = await platform.often.any(mappingsFor(schema, sought));
  const byId = rows.filter(({ by }) => by === 'id');
  const bySubject = rows.find(({ by }) => by === 'subject');
  const conversationOf = (id: string): ConversationId | undefined =>
    byId.find(({ emailMessageId }) => emailMessageId === id)?.conversationId;
  const first = (ids: readonly string[]): ConversationId | undefined => ids.map(conversationOf).find((id) => id !== undefined);
  const all = [
    { strategy: 'in-reply-to' as const, conversationId: first(answered) },
    { strategy: 'references' as const, conversationId: first(nearestFirst) },
    { strategy: 'sender-subject' as const, conversationId: bySubject?.conversationId },
  ];
  return {
    found: all.flatMap(({ strategy, conversationId }) => (conversationId === undefined ? [] : [{ strategy, conversationId }])),
    isOwn: byId.some((row) => row.direction === 'out' && row.emailMessageId !== null && own.includes(row.emailMessageId)),
  };
};

const headers = (ids: readonly (string | null)[]): readonly string[] => ids.flatMap((id) => messageIdHeader(id) ?? []);
