/** Who may see a conversation of the gateway, and decide about mail for it: as its room or its thread has it, by the log's own state. */
import type { ConversationId, RoomId, ThreadId, UserId } from '@tidings/contracts/ids';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import type { Platform } from '../platform.ts';
import { mayInThread } from '../thread-links.ts';

/** `read` for who sees it; `decide` for who may answer in it. In a room both are its members'. */
export const mayInConversation = async (
  platform: Pick<Platform, 'commands'>,
  user: UserId,
  action: 'read' | 'decide',
  conversation: ConversationId,
): Promise<boolean> => {
  const { state: chat } = await platform.commands.load(room, roomKey(conversation as string as RoomId));
  if (chat.kind !== 'none') return isMember(chat, user);
  const { state } = await platform.commands.load(thread, threadKey(conversation as string as ThreadId));
  return mayInThread(platform, user, action === 'read' ? 'read' : 'comment', state);
};
