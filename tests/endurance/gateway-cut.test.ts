/** Power cuts while mail comes into conversations, and while it leaves them. */
import type { Message } from '@tidings/contracts/http/chat-objects';
import { simpleParser } from 'mailparser';
import { expect, it, onTestFinished, vi } from 'vitest';
import { openGatewayTown, soon } from '../acceptance/gateway-kit.ts';
import { openMailTown } from '../acceptance/mail-kit.ts';
import { startSink } from '../kit/smtp-sink.ts';

it('amid the way in, whatever was taken is there once, in the order of its author, and whatever was not may be sent again', async () => {
  const gate = await openGatewayTown({ PROCESSES: 'one', RATE_LIMITS: 'off' }, { restarts: true });
  onTestFinished(() => gate.close());
  const rooms = await Promise.all(['one', 'two', 'three'].map((name) => gate.conversation(`${name}@example.org`)));
  const letters = rooms.flatMap(({ roomId, address }, at) =>
    Array.from({ length: 8 }, (_, n) => ({
      ...{ roomId, text: `Word ${n}`, to: address, from: `${['one', 'two', 'three'][at] ?? ''}@example.org` },
      ...{ messageId: `<${roomId}.${n}@example.org>`, date: new Date(0) },
    })),
  );
  const inOrder = (one: (typeof letters)[number]): number => Number(one.text.slice(5));
  const send = async (some: typeof letters): Promise<typeof letters> => {
    const answers = await Promise.all(some.map((letter) => gate.answerTo(letter)));
    return some.filter((_, at) => answers[at]?.startsWith('250') !== true);
  };
  let lost: typeof letters = [];
  for (let n = 0; n < 8; n += 1) {
    const round = letters.filter((letter) => inOrder(letter) === n);
    if (n === 5) {
      const during = send(round);
      await gate.town.restart();
      lost = await during;
      // As a mail server does, before it goes on.
      expect(await send(lost)).toEqual([]);
    } else expect(await send(round)).toEqual([]);
  }
  const words = Array.from({ length: 8 }, (_, n) => `Word ${n}`);
  for (const { roomId } of rooms) {
    await gate.arrives(roomId, ...words);
    expect((await gate.timeline(roomId)).map(({ msgBody }) => msgBody.text)).toEqual(words.toReversed());
    await vi.waitFor(async () => expect(await gate.mappings(roomId)).toHaveLength(8), soon);
  }
});

it('amid the way out, nobody gets a mail twice, and none is lost', async () => {
  const sink = await startSink();
  onTestFinished(() => sink.close());
  const far = { bob: 'bob@elsewhere.test', erin: 'erin@elsewhere.test' };
  const town = await openMailTown(
    ['alice', 'bob', 'erin'],
    {
      PROCESSES: 'one',
      ...{ SMTP_RELAY_URL: `smtp://127.0.0.1:${sink.port}`, EGRESS_RETRY_SCHEDULE: '1h' },
      ...{ EMAIL_OUTBOUND_HOLD_SECONDS: '1', SMTP_FROM: 'chat@tidings.test', MAIL_AUTH: 'off' },
    },
    far,
    { restarts: true },
  );
  onTestFinished(() => town.close());
  const { alice, bob, erin } = town.as;
  const { id: roomId } = await alice.ask<{ readonly id: string }>('POST', '/api/rooms/create-room', {
    ...{ roomType: 'Group', roomName: 'Power cut', invitedUsers: [alice.id, bob.id, erin.id] },
  });
  for (const one of [bob, erin]) await one.ask('PUT', `/api/rooms/${roomId}/mail-notifications`, { policy: 'at-once' });
  const messages: Message[] = [];
  for (let n = 0; n < 6; n += 1)
    messages.push(await alice.ask<Message>('POST', '/api/send-msg', { chatRoomId: roomId, msgBody: { text: `Word ${n} of six` } }));
  /** How many mails to an address begin with these words. */
  const mailsTo = async (address: string, words: string): Promise<number> => {
    const mails = await Promise.all(sink.mails.filter(({ to }) => to.includes(address)).map(({ data }) => simpleParser(data)));
    return mails.filter(({ text }) => text?.startsWith(words)).length;
  };
  const statusOf = async ({ messageId }: Message, userId: string): Promise<string | undefined> =>
    (await alice.ask<Message>('GET', `/api/rooms/${roomId}/messages/${messageId}`)).mails?.find((mail) => mail.userId === userId)?.status;
  await vi.waitFor(async () => expect(await mailsTo(far.bob, 'Word 0 of six')).toBe(1), soon);
  await town.restart();
  for (const [n, message] of messages.entries()) {
    for (const name of ['bob', 'erin'] as const) {
      // What was cut off between its first byte and the answer stays unknown, and is not sent a second time.
      const status = await vi.waitFor(async () => {
        const now = await statusOf(message, town.as[name].id);
        expect(['delivered', 'unknown']).toContain(now);
        return now;
      }, soon);
      const count = await mailsTo(far[name], `Word ${n} of six`);
      expect(count, `${name} ${n}`).toBeGreaterThanOrEqual(status === 'delivered' ? 1 : 0);
      expect(count, `${name} ${n}`).toBeLessThanOrEqual(1);
    }
  }
});
