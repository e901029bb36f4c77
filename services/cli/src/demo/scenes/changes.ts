/** What becomes of a message: it is typed, written, corrected, liked and answered in a thread. */
import { spoken } from '../event-line.ts';
import { found } from '../failed.ts';
import { type Cast, roomsOf } from '../people.ts';
import { count, table } from '../stage.ts';
import { say } from './chat.ts';

const THUMB = '👍';

export const changes = async (cast: Cast): Promise<void> => {
  const { stage, alice, bob, carol, nameOf } = cast;
  stage.scene('Bob corrects himself');
  const rooms = await roomsOf(bob); // the one they wrote in last comes first
  const { id: roomId } = found(
    rooms.find(({ roomName }) => roomName === 'Market day'),
    'Bob is not in the group',
  );

  stage.act('Bob types, which is told and not kept.');
  await bob.client.setTyping({ params: { roomId }, body: { typing: true } });
  await alice.live.until('Typing', (one) => one.roomId === roomId && one.userId === bob.id && one.typing);
  const root = await say(cast, bob, roomId, { text: 'Who brings the cables?' });
  const params = { roomId, messageId: root.messageId };

  stage.act('Bob meant tables.');
  await bob.client.editMessage({ params, body: { text: 'Who brings the tables?' } });
  for (const { live } of [alice, bob]) await live.until('MessageEdited', ({ messageId }) => messageId === root.messageId);

  await say(cast, carol, roomId, { text: 'I have two.' }, { threadId: root.messageId });
  stage.act('Alice likes the question.');
  await alice.client.addReaction({ params: { ...params, emoji: THUMB } });
  for (const { live } of [alice, bob]) await live.until('ReactionChanged', ({ messageId, added }) => messageId === root.messageId && added);

  const { msgBody, editedAt, reactions = [], thread } = await carol.client.getMessage({ params });
  stage.view("Bob's question, as Carol sees it", [
    [
      `${spoken(msgBody)}${editedAt === undefined ? '' : ' (edited)'}`,
      ...reactions.map((reaction) => `${reaction.emoji} ${reaction.count}`),
      count(thread?.replyCount ?? 0, 'reply', 'replies'),
    ].join('  '),
  ]);
  const replies = await carol.client.getMessageThread({ params });
  stage.view('Its thread', table(replies.toReversed().map((reply) => [String(reply.seq), nameOf(reply.senderId), spoken(reply.msgBody)])));
};
