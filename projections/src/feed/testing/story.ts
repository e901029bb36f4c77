/** For tests of the feed and of who reads it: events as the log would give them, told line by line, and the hands to apply them. */
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { MailboxRole } from '@tidings/contracts/events/mailbox';
import type { RoomType } from '@tidings/contracts/events/room';
import {
  derivedId,
  type BlobId,
  type EmailId,
  type EventId,
  type MailboxId,
  type MessageId,
  type RoomId,
  type StreamId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import type { SqlSession } from '@tidings/contracts/ports/sql';
import { timestamp } from '@tidings/contracts/time';
import { feed } from '../index.ts';

export const user = (name: string): UserId => derivedId<UserId>('test-user', name);
export const room = (name: string): RoomId => derivedId<RoomId>('test-room', name);
export const mailbox = (name: string): MailboxId => derivedId<MailboxId>('test-mailbox', name);
export const thread = (name: string): ThreadId => derivedId<ThreadId>('test-thread', name);
export const email = (name: string): EmailId => derivedId<EmailId>('test-email', name);
export const message = (text: string): MessageId => derivedId<MessageId>('test-message', text);

export const positionOf = (n: number): Position => String(n).padStart(START.length, '0') as Position; // as the Postgres log writes them

/** A log in the making: each call appends one event, a second after the one before. */
export class Story {
  readonly events: Recorded[] = [];
  #ms = Date.UTC(2026, 0, 1);

  get head(): Position {
    return this.events.at(-1)?.position ?? START;
  }
  daysPass(days: number): this {
    this.#ms += days * 86_400_000;
    return this;
  }
  append(event: TidingsEvent): this {
    const n = this.events.length + 1;
    this.#ms += 1000;
    this.events.push({
      ...event,
      shard: 0,
      position: positionOf(n),
      stream: 'test-story' as StreamId, // the feed does not look at streams
      revision: n - 1,
      id: derivedId<EventId>('test-event', n),
      meta: {},
      recordedAt: timestamp(this.#ms),
    });
    return this;
  }

  registers(name: string): this {
    const data = { userId: user(name), displayName: name, email: null, role: 'USER' } as const;
    return this.append({ type: 'UserRegistered', data });
  }
  renames(name: string, displayName: string): this {
    const data = { userId: user(name), displayName, description: null, profilePicture: null, role: 'USER' } as const;
    return this.append({ type: 'UserProfileChanged', data });
  }
  asks(by: string, to: string): this {
    return this.append({ type: 'FriendshipRequested', data: { by: user(by), to: user(to) } });
  }
  accepts(by: string, to: string): this {
    return this.append({ type: 'FriendshipAccepted', data: { by: user(by), to: user(to) } });
  }
  blocks(by: string, to: string): this {
    return this.append({ type: 'UserBlocked', data: { by: user(by), to: user(to) } });
  }
  unblocks(by: string, to: string): this {
    return this.append({ type: 'UserUnblocked', data: { by: user(by), to: user(to) } });
  }
  creates(name: string, roomType: RoomType, ...members: readonly [string, ...string[]]): this {
    const data = {
      roomId: room(name),
      roomType,
      name: roomType === 'Group' ? name : null,
      createdBy: user(members[0]),
      members: members.map(user),
    };
    return this.append({ type: 'RoomCreated', data });
  }
  joins(name: string, who: string, invitedBy: string): this {
    return this.append({ type: 'RoomJoined', data: { roomId: room(name), userId: user(who), invitedBy: user(invitedBy) } });
  }
  leaves(name: string, who: string, roomType: RoomType): this {
    return this.append({ type: 'RoomLeft', data: { roomId: room(name), roomType, userId: user(who), by: user(who) } });
  }
  closes(name: string): this {
    return this.append({ type: 'RoomClosed', data: { roomId: room(name) } });
  }
  says(name: string, who: string, text: string): this {
    const body = { type: 'Text', text } as const;
    const data = { roomId: room(name), messageId: message(text), senderId: user(who), body, mentions: [], threadId: null };
    return this.append({ type: 'MessageSent', data });
  }
  /** Answers what `of` said as `said`. */
  answers(name: string, who: string, text: string, of: string, said: string): this {
    const createdAt = timestamp(this.#ms);
    const quoted = { messageId: message(said), senderId: user(of), body: { type: 'Text', text: said } as const, createdAt };
    const body = { type: 'Reply', text, quoted } as const;
    const data = { roomId: room(name), messageId: message(text), senderId: user(who), body, mentions: [], threadId: null };
    return this.append({ type: 'MessageSent', data });
  }
  edits(name: string, who: string, said: string, text: string): this {
    const body = { type: 'Text', text } as const;
    const data = { roomId: room(name), messageId: message(said), senderId: user(who), body, mentions: [] };
    return this.append({ type: 'MessageEdited', data });
  }
  deletes(name: string, who: string, said: string): this {
    return this.append({
      type: 'MessageDeleted',
      data: { roomId: room(name), messageId: message(said), senderId: user(who), deletedBy: user(who) },
    });
  }
  reacts(name: string, who: string, said: string, emoji: string): this {
    return this.append({ type: 'ReactionAdded', data: { roomId: room(name), messageId: message(said), userId: user(who), emoji } });
  }
  reads(name: string, who: string, upToSeq: number): this {
    return this.append({ type: 'RoomRead', data: { roomId: room(name), userId: user(who), upToSeq, upTo: null } });
  }
  admits(name: string, who: string, role: MailboxRole): this {
    return this.append({ type: 'MailboxMemberSet', data: { mailboxId: mailbox(name), userId: user(who), role } });
  }
  dismisses(name: string, who: string): this {
    return this.append({ type: 'MailboxMemberRemoved', data: { mailboxId: mailbox(name), userId: user(who) } });
  }
  renamesMailbox(name: string, to: string): this {
    return this.append({ type: 'MailboxRenamed', data: { mailboxId: mailbox(name), name: to } });
  }
  claims(name: string, address: string): this {
    return this.append({ type: 'AddressClaimed', data: { mailboxId: mailbox(name), address } });
  }
  files(name: string, inThread: string, subject: string): this {
    return this.append({
      type: 'EmailFiled',
      data: {
        threadId: thread(inThread),
        mailboxId: mailbox(name),
        emailId: email(subject),
        blobId: NO_BLOB,
        bodyBlobId: NO_BLOB,
        size: 1,
        direction: 'in',
        place: 'inbox',
        startsThread: true,
        messageIdReused: false,
        envelope: null,
        content: {
          messageId: null,
          inReplyTo: [],
          references: [],
          from: [{ name: 'Eve', email: 'eve@example.org' }],
          to: [],
          cc: [],
          subject,
          sentAt: null,
          preview: `${subject}, in short`,
          hasAttachments: false,
        },
      },
    });
  }
}

const NO_BLOB = '0'.repeat(64) as BlobId;

/** Makes the feed's tables in `schema`; `run` is given scripts of several statements. */
export const createFeed = async (run: (script: string) => Promise<unknown>, schema: string): Promise<void> => {
  await run(`create schema ${schema}; ${feed.tables(schema)}; ${feed.indexes?.(schema) ?? ''}`);
};

/** Applies events in pages of `pageSize`, each in a transaction, as the runtime does. */
export const applyFeed = async (session: SqlSession, schema: string, events: readonly Recorded[], pageSize = 500): Promise<void> => {
  const handled = events.filter((event) => feed.handles.includes(event.type));
  for (let at = 0; at < handled.length; at += pageSize) {
    await session.query('begin');
    await feed.apply(handled.slice(at, at + pageSize), { schema, query: (text, values) => session.query(text, values) });
    await session.query('commit');
  }
};
