/** What a page does to messages, one change for each. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageBody, MessageEdited, MessageSent } from '@tidings/contracts/events/message';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Words } from '@tidings/contracts/ports/word-index';
import { isShredded } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import type { Counted } from '../chat-view/index.ts';
import { messageWords } from './lexemes.ts';

/** A reply's quote is another message, which is found by itself. */
const searchedText = (body: MessageBody): string => (body.type === 'Media' ? (body.altText ?? '') : body.text);

/** Where a message stands, and whose it is. */
export interface PlacedMessage {
  readonly roomId: RoomId;
  readonly createdAt: Timestamp;
  readonly seq: number;
  readonly messageId: MessageId;
  readonly senderId: UserId;
}

export interface SearchedMessage extends PlacedMessage {
  readonly words: Words;
}

export interface EditedMessage {
  readonly roomId: RoomId;
  readonly senderId: UserId;
  readonly words: Words;
}

export class Changes {
  readonly #sent = new Map<MessageId, SearchedMessage>();
  readonly #edited = new Map<MessageId, EditedMessage>();
  readonly #deleted = new Set<MessageId>();
  readonly #erased = new Set<UserId>();

  get sent(): readonly SearchedMessage[] {
    return [...this.#sent.values()];
  }

  /** Of pages before. */
  get edited(): ReadonlyMap<MessageId, EditedMessage> {
    return this.#edited;
  }

  get deleted(): readonly MessageId[] {
    return [...this.#deleted];
  }

  /** Who is erased: what pages before had of them goes first. */
  get erased(): readonly UserId[] {
    return [...this.#erased];
  }

  /** Takes the next event and what `RoomCounters.count` said of it. */
  take(event: Recorded, counted: Counted | null): void {
    if (event.type === 'MessageSent') this.#send(event, counted);
    else if (event.type === 'MessageEdited') this.#edit(event);
    else if (event.type === 'MessageDeleted') this.#delete(event.data.messageId);
    else if (event.type === 'SubjectErased') this.#erase(event.data.userId);
  }

  #send({ data, recordedAt }: Recorded<MessageSent>, counted: Counted | null): void {
    if (counted === null || isShredded(data.body)) return;
    const { roomId, messageId, senderId, body } = data;
    const words = messageWords(searchedText(body));
    this.#sent.set(messageId, { roomId, createdAt: recordedAt, seq: counted.seq, messageId, senderId, words });
  }

  #edit({ data: { roomId, messageId, senderId, body } }: Recorded<MessageEdited>): void {
    if (isShredded(body)) return;
    const words = messageWords(searchedText(body));
    const sent = this.#sent.get(messageId);
    if (sent === undefined) this.#edited.set(messageId, { roomId, senderId, words });
    else this.#sent.set(messageId, { ...sent, words });
  }

  #delete(id: MessageId): void {
    if (this.#sent.delete(id)) return;
    this.#edited.delete(id);
    this.#deleted.add(id);
  }

  /** What they send after it (there should be nothing) stands. */
  #erase(user: UserId): void {
    for (const [id, { senderId }] of this.#sent) if (senderId === user) this.#sent.delete(id);
    for (const [id, { senderId }] of this.#edited) if (senderId === user) this.#edited.delete(id);
    this.#erased.add(user);
  }
}
